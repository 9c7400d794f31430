"""Models of the Java engines: what each thing of theirs becomes, and what is refused by name."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.model import (
    BusinessRuleTask,
    CallActivity,
    EndEvent,
    ExclusiveGateway,
    JobWork,
    Listener,
    ListenerEvent,
    Mapping,
    MultiInstance,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    Task,
    UserTask,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import MessageTrigger, TimerTrigger
from fabloop.process.commands import Deploy, InstanceState, PublishMessage, StartInstance
from process.driver import Plant

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ENGINES = (
    "http://camunda.org/schema/1.0/bpmn",
    "http://operaton.org/schema/1.0/bpmn",
    "http://activiti.org/bpmn",
    "http://flowable.org/bpmn",
)


def document(content: str, *beside: str, engine: str = ENGINES[0], head: str = "") -> bytes:
    text = (
        f'<definitions xmlns="{BPMN}" xmlns:c="{engine}"\n>'
        f'<process id="p" isExecutable="true" {head}>{content}</process>{"".join(beside)}'
        "</definitions>"
    )
    return text.encode()


def read(content: str, *beside: str, **more: str):
    """Return the node 'x' of a process."""
    process, _ = read_bpmn(document(content, *beside, **more))
    return next(node for node in process.nodes if node.id == "x")


def refusals(content: str, *beside: str) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read_bpmn(document(content, *beside))
    return [fault.sentence() for fault in refused.value.faults]


def inside(content: str) -> str:
    return f"<extensionElements>{content}</extensionElements>"


# -- work --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_java_class_becomes_a_job_of_its_name(engine):
    node = read('<serviceTask id="x" c:class="org.acme.Weld"/>', engine=engine)
    assert node == ServiceTask(id="x", work=JobWork(type="org.acme.Weld"))


@pytest.mark.parametrize(
    ("attributes", "job"),
    [
        ('c:type="external" c:topic="weld" c:taskPriority="3"', "weld"),
        ('c:delegateExpression="${welder}"', "welder"),
        ('c:delegateExpression="#{cell.welder}"', "cell.welder"),
        ('c:expression="${robot.weld(execution)}"', "robot.weld"),
        ('c:type="mail"', "mail"),
    ],
)
def test_work_of_other_kinds_becomes_a_job_too(attributes, job):
    assert read(f'<serviceTask id="x" {attributes}/>').work == JobWork(type=job)
    assert read(f'<sendTask id="x" {attributes}/>') == SendTask(id="x", work=JobWork(type=job))


def test_retries_fields_and_arguments_reach_the_worker():
    extras = inside(
        "<c:failedJobRetryTimeCycle>R5/PT10M</c:failedJobRetryTimeCycle>"
        '<c:field name="tool" stringValue="gun"/>'
        '<c:field name="power"><c:expression>${p + 1}</c:expression></c:field>'
    )
    node = read(f'<serviceTask id="x" c:class="Weld">{extras}</serviceTask>')
    assert node.work == JobWork(type="Weld", retries=5)
    assert node.inputs == (
        Mapping(source='"gun"', target="tool"),
        Mapping(source="p + 1", target="power"),
    )
    called = read('<serviceTask id="x" c:expression="${a.b(x, 2, execution)}"/>')
    assert called.inputs == (Mapping(source="[x, 2]", target="arguments"),)
    kept = read('<serviceTask id="x" c:expression="${a.b()}" c:resultVariable="y"/>')
    assert kept.outputs == (Mapping(source="result", target="y"),)


def test_an_expression_that_only_computes_is_a_script_or_passes():
    kept = read('<serviceTask id="x" c:expression="${a + 1}" c:resultVariable="y"/>')
    assert kept == ScriptTask(id="x", expression="a + 1", result_variable="y")
    assert read('<serviceTask id="x" c:expression="${true}"/>') == Task(id="x")
    stored = read("""<serviceTask id="x" c:expression="${execution.setVariable('y', a)}"/>""")
    assert stored == ScriptTask(id="x", expression="a", result_variable="y")


def test_a_connector_becomes_a_job_with_its_parameters():
    extras = inside("""<c:connector><c:connectorId>http</c:connectorId><c:inputOutput>
      <c:inputParameter name="url">http://a/${id}</c:inputParameter>
      <c:outputParameter name="r">${response}</c:outputParameter></c:inputOutput></c:connector>""")
    node = read(f'<serviceTask id="x">{extras}</serviceTask>')
    assert node.work == JobWork(type="http")
    assert node.inputs == (
        Mapping(source='string join(["http://a/", string(id)], "")', target="url"),
    )
    assert node.outputs == (Mapping(source="response", target="r"),)


def test_an_end_event_that_sends_may_do_so_by_a_job():
    node = read('<endEvent id="x"><messageEventDefinition c:class="Mail"/></endEvent>')
    sent = MessageTrigger(name="x", correlation_key="businessKey")
    assert node == EndEvent(id="x", trigger=sent, work=JobWork(type="Mail"))


def test_a_task_without_any_work_is_refused_in_the_dialect_and_named_in_plain_bpmn():
    assert "element 'x'" in refusals('<serviceTask id="x"/>')[0]
    plain = f'<definitions xmlns="{BPMN}"><process id="p"><serviceTask id="x" %s/></process>%s'
    named = '<interface><operation id="o" name="weld"/></interface></definitions>'
    process, _ = read_bpmn((plain % ("", "</definitions>")).encode())
    assert process.nodes[0].work == JobWork(type="x")
    process, _ = read_bpmn((plain % ('operationRef="o"', named)).encode())
    assert process.nodes[0].work == JobWork(type="weld")


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ('scriptFormat="feel" c:resultVariable="y"><script>a + 1', ("a + 1", "y")),
        ('scriptFormat="juel" c:resultVariable="y"><script>${a &amp;&amp; b}', ("a and b", "y")),
        ("scriptFormat=\"juel\"><script>${execution.setVariable('z', 1)}", ("1", "z")),
    ],
)
def test_scripts_in_feel_and_juel_run(script, wanted):
    node = read(f'<scriptTask id="x" {script}</script></scriptTask>')
    assert (node.expression, node.result_variable) == wanted


# -- people, data, other definitions -----------------------------------------------------------


def test_a_user_task_keeps_who_may_do_it_and_what_is_shown():
    node = read(
        '<userTask id="x" c:assignee="${boss}" c:candidateUsers="eva, ${deputy}"'
        ' c:candidateGroups="weld" c:formKey="f" c:dueDate="${due}" c:priority="5"/>'
    )
    assert node.assignee == "=boss"
    assert node.candidate_groups == ('=flatten(["eva", deputy, "weld"])',)
    assert node.headers == {"priority": "5", "formKey": "f"}
    assert node.inputs == (Mapping(source="due", target="dueDate"),)
    plain = read('<userTask id="x" c:assignee="eva" c:candidateGroups="a,b"/>')
    assert plain == UserTask(id="x", assignee="eva", candidate_groups=("a", "b"))


def test_performers_of_the_standard_are_read():
    owner = "<resourceAssignmentExpression><formalExpression>{}</formalExpression>"
    owner += "</resourceAssignmentExpression>"
    node = read(
        f'<userTask id="x"><humanPerformer>{owner.format("eva")}</humanPerformer><potentialOwner>'
        f"{owner.format('user(bo), group(weld), night')}</potentialOwner></userTask>"
    )
    assert (node.assignee, node.candidate_groups) == ("eva", ("bo", "weld", "night"))


def test_parameters_of_every_form_become_mappings():
    extras = inside("""<c:inputOutput><c:inputParameter name="t">plain</c:inputParameter>
      <c:inputParameter name="e">${a.b > 3}</c:inputParameter><c:inputParameter name="n"/>
      <c:inputParameter name="nest"><c:list><c:map><c:entry key="a">1</c:entry></c:map></c:list>
      </c:inputParameter><c:inputParameter name="l"><c:list>
        <c:value>x</c:value><c:value>${y}</c:value></c:list>
      </c:inputParameter><c:inputParameter name="m"><c:map><c:entry key="k">${v}</c:entry></c:map>
      </c:inputParameter><c:inputParameter name="f"><c:script scriptFormat="feel">a + 1</c:script>
      </c:inputParameter><c:outputParameter name="o"><c:map><c:entry key="${k}">w</c:entry></c:map>
      </c:outputParameter></c:inputOutput>""")
    node = read(f'<userTask id="x">{extras}</userTask>')
    assert {each.target: each.source for each in node.inputs} == {
        "t": '"plain"', "e": "a.b > 3", "n": "null", "nest": '[{"a": "1"}]',
        "l": '["x", y]', "m": '{"k": v}', "f": "a + 1",
    }  # fmt: skip
    assert node.outputs == (Mapping(source='context([{key: k, value: "w"}])', target="o"),)


def test_a_call_hands_on_only_what_it_names():
    extras = inside("""<c:in businessKey="#{execution.processBusinessKey}"/>
      <c:in source="a" target="b"/><c:in sourceExpression="${a + 1}" target="d"/>
      <c:out variables="all"/>""")
    node = read(f'<callActivity id="x" calledElement="${{which}}">{extras}</callActivity>')
    assert node == CallActivity(
        id="x",
        process="=which",
        hands_in=False,
        hands_back=True,
        inputs=(Mapping(source="a", target="b"), Mapping(source="a + 1", target="d")),
    )
    closed = read('<callActivity id="x" calledElement="q" c:calledElementBinding="versionTag"'
                  ' c:calledElementVersionTag="v1"/>')  # fmt: skip
    assert (closed.hands_back, closed.version_tag) == (False, "v1")


def test_decisions_and_collections_are_read():
    rule = read('<businessRuleTask id="x" c:decisionRef="d" c:resultVariable="r"/>')
    assert rule == BusinessRuleTask(id="x", decision="d", result_variable="r")
    bound = '<businessRuleTask id="x" c:decisionRef="d" c:decisionRefBinding="{}" {}/>'
    assert read(bound.format("deployment", "")).together
    assert read(bound.format("versionTag", 'c:decisionRefVersionTag="v"')).version_tag == "v"
    loop = read("""<userTask id="x"><multiInstanceLoopCharacteristics c:collection="parts"
        c:elementVariable="part"><completionCondition>${done}</completionCondition>
        </multiInstanceLoopCharacteristics></userTask>""").loop
    assert loop == MultiInstance(collection="parts", element="part", completion_condition="done")
    standard = read("""<userTask id="x"><multiInstanceLoopCharacteristics>
        <loopDataInputRef>parts</loopDataInputRef><inputDataItem name="part"/>
        </multiInstanceLoopCharacteristics></userTask>""").loop
    assert standard == MultiInstance(collection="parts", element="part")


def test_listeners_of_classes_become_jobs():
    extras = inside('<c:executionListener event="start" class="Log"/>'
                    '<c:taskListener event="complete" delegateExpression="${audit}"/>')  # fmt: skip
    assert read(f'<userTask id="x">{extras}</userTask>').listeners == (
        Listener(event=ListenerEvent.START, type="Log"),
        Listener(event=ListenerEvent.COMPLETING, type="audit"),
    )


def test_listeners_before_a_start_event_or_a_process_come_behind_the_event():
    log = inside('<c:executionListener event="start" class="Log"/>')
    begun = log.replace("Log", "Begun")
    node = read(f'{begun}<startEvent id="x">{log}</startEvent>')
    assert node.listeners == (
        Listener(event=ListenerEvent.END, type="Log"),
        Listener(event=ListenerEvent.END, type="Begun"),
    )


def test_a_receive_task_without_a_message_waits_for_its_own_name():
    waited = MessageTrigger(name="x", correlation_key="businessKey")
    assert read('<receiveTask id="x"/>') == ReceiveTask(id="x", message=waited)


def test_an_error_may_be_referred_to_by_its_code():
    node = read('<endEvent id="x"><errorEventDefinition errorRef="BURNT"/></endEvent>')
    assert node.trigger.code == "BURNT"


def test_what_is_heard_of_an_error_comes_into_the_variables_asked_for():
    node = read(
        '<boundaryEvent id="x" attachedToRef="a"><errorEventDefinition'
        ' c:errorCodeVariable="c" c:errorMessageVariable="m"/></boundaryEvent>'
    )
    assert node.outputs == (
        Mapping(source="errorCode", target="c"),
        Mapping(source="errorMessage", target="m"),
    )


def test_a_signal_carries_what_is_named_and_no_more():
    throw = '<intermediateThrowEvent id="x"><signalEventDefinition signalRef="go">{}'
    throw += "</signalEventDefinition></intermediateThrowEvent>"
    declared = '<signal id="go" name="go-${n}"/>'
    name = Mapping(source='"go"', target="signalName")
    assert read(throw.format(""), declared).inputs == (name,)
    named = read(throw.format(inside('<c:in source="a" target="b"/>')), declared)
    assert named.inputs == (name, Mapping(source="a", target="b"))
    assert read(throw.format(inside('<c:in variables="all"/>')), declared).inputs == ()


def test_a_date_without_an_offset_is_utc():
    node = read("""<intermediateCatchEvent id="x"><timerEventDefinition><timeDate>
      2036-11-14T11:12:22</timeDate></timerEventDefinition></intermediateCatchEvent>""")
    assert node.trigger == TimerTrigger(date="2036-11-14T11:12:22Z")
    node = read("""<startEvent id="x"><timerEventDefinition><timeDate>
      ${'2036-11-14T11:12'}</timeDate></timerEventDefinition></startEvent>""")
    assert node.trigger == TimerTrigger(date="2036-11-14T11:12Z")


def test_times_and_conditions_in_juel_become_feel():
    process, _ = read_bpmn(
        document("""<intermediateCatchEvent id="x"><timerEventDefinition><timeDuration>${pause}
        </timeDuration></timerEventDefinition></intermediateCatchEvent><exclusiveGateway id="g"/>
        <sequenceFlow id="f" sourceRef="g" targetRef="x"><conditionExpression>${a &lt; 3}
        </conditionExpression></sequenceFlow><sequenceFlow id="f2" sourceRef="g" targetRef="x"/>""")
    )
    nodes = {node.id: node for node in process.nodes}
    assert nodes["x"].trigger == TimerTrigger(duration="pause")
    assert process.flows[0].condition == "a < 3"
    assert nodes["g"].default == "f2"


def test_conditions_behind_an_event_are_decided_by_a_gateway():
    flow = '<sequenceFlow id="{0}" sourceRef="s" targetRef="{0}u">{1}</sequenceFlow>'
    asked = "<conditionExpression>${n > %d}</conditionExpression>"
    content = '<startEvent id="s"/><userTask id="au"/><userTask id="bu"/><userTask id="cu"/>'
    content += flow.format("a", asked % 1) + flow.format("b", asked % 5) + flow.format("c", "")
    plant = Plant()
    plant.starts(read_bpmn(document(content))[0], {"n": 3})
    assert plant.open_nodes() == ["au", "cu"]


def test_a_gateway_with_one_event_behind_it_only_passes():
    node = read("""<eventBasedGateway id="x"/><sequenceFlow id="f" sourceRef="x" targetRef="e"/>
      <intermediateCatchEvent id="e"><messageEventDefinition messageRef="m"/>
      </intermediateCatchEvent>""", '<message id="m" name="m"/>')  # fmt: skip
    assert node == ExclusiveGateway(id="x")


def test_what_only_steers_the_other_engine_is_passed_over():
    node = read(
        '<startEvent id="s" c:initiator="who" c:asyncBefore="true"/>'
        '<sequenceFlow id="f" sourceRef="s" targetRef="x"/><manualTask id="x"'
        ' c:asyncAfter="true" c:exclusive="false" c:jobPriority="3">'
        f"{inside('<c:properties/><c:failedJobRetryTimeCycle>R3/PT1M</c:failedJobRetryTimeCycle>')}"
        "</manualTask>",
        head='c:historyTimeToLive="P30D" c:versionTag="v1" c:candidateStarterGroups="g"',
    )
    assert node.id == "x"


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ('"version" c:{0}Version="3"', {"version": "3"}),
        ('"version" c:{0}Version="${{v + 1}}"', {"version": "=v + 1"}),
        ('"deployment"', {"together": True}),
        ('"versionTag" c:{0}VersionTag="t"', {"version_tag": "t"}),
        ('"latest"', {}),
    ],
)
def test_the_version_of_what_is_used_is_bound(binding, said):
    bound = binding.format("calledElement")
    node = read(f'<callActivity id="x" calledElement="q" c:calledElementBinding={bound}/>')
    asked = {"hands_in": False, "hands_back": False}
    assert node == CallActivity(id="x", process="q", **asked, **said)
    bound = binding.format("decisionRef")
    node = read(f'<businessRuleTask id="x" c:decisionRef="d" c:decisionRefBinding={bound}/>')
    named = {"decision": "d", "result_variable": "decisionResult"}
    assert node == BusinessRuleTask(id="x", **named, **said)


def test_a_called_process_may_get_a_business_key_of_its_own():
    handed = inside('<c:in businessKey="${order.id}"/>')
    node = read(f'<callActivity id="x" calledElement="q">{handed}</callActivity>')
    assert node.business_key == "=order.id"


# -- refused by name ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('<scriptTask id="x" scriptFormat="groovy"><script>1</script></scriptTask>', "'groovy'"),
        ('<scriptTask id="x" scriptFormat="feel" c:resource="a.feel"/>', "resource 'a.feel'"),
        ('<serviceTask id="x" c:type="external" c:topic="${t}"/>', "computed topic '${t}'"),
        ('<serviceTask id="x" c:expression="${execution.id}"/>', "'${execution.id}'"),
        ('<callActivity id="x" c:caseRef="c"/>', "caseRef"),
        ('<callActivity id="x" calledElement="q" c:variableMappingClass="M"/>',
         "variableMappingClass"),
        ('<callActivity id="x" calledElement="q" c:calledElementBinding="version"/>',
         "'version' without a version"),
        ('<businessRuleTask id="x" c:decisionRef="d" c:decisionRefBinding="version"/>',
         "decisionRefBinding 'version' without a version"),
        ('<userTask id="x" c:assigne="typo"/>', "c:assigne"),
        ('<userTask id="x"><extensionElements><c:oddity/></extensionElements></userTask>',
         "c:oddity"),
        (('<userTask id="x"><extensionElements><c:taskListener event="assignment" class="L"/>'
         "</extensionElements></userTask>"), "taskListener for 'assignment'"),
        (('<userTask id="x"><extensionElements><c:executionListener event="start"'
         " expression=\"${execution.setVariable('a', 1)}\"/></extensionElements></userTask>"),
         "${execution.setVariable('a', 1)}"),
        (('<userTask id="x"><extensionElements><c:inputOutput><c:inputParameter name="a"><c:script'
         ' scriptFormat="javascript">1</c:script></c:inputParameter></c:inputOutput>'
         "</extensionElements></userTask>"), "'javascript'"),
        (('<sequenceFlow id="x" sourceRef="a" targetRef="b"><conditionExpression>'
         "${order.isBig()}</conditionExpression></sequenceFlow>"),
         "unsupported expression '${order.isBig()}': a call of method 'isBig'"),
        (('<sequenceFlow id="x" sourceRef="a" targetRef="b"><conditionExpression language="groovy">'
         "a</conditionExpression></sequenceFlow>"), "language 'groovy'"),
    ],
)  # fmt: skip
def test_what_only_the_other_engine_can_do_is_refused_by_element_line_and_name(content, name):
    found = refusals(content)
    assert any(name in each and "element 'x', line 2" in each for each in found), found


def test_messages_find_an_instance_by_its_business_key():
    content = """<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="x"/>
      <intermediateCatchEvent id="x"><messageEventDefinition messageRef="m"/>
      </intermediateCatchEvent>"""
    plant = Plant()
    plant.does(Deploy(process=document(content, '<message id="m" name="came"/>')))
    found = {
        key: plant.does(StartInstance(process="p", business_key=key)).instance
        for key in ("", "one", "two")
    }
    for key in ("two", ""):
        plant.does(PublishMessage(name="came", correlation_key=key))
        assert plant.ended(found[key]) is InstanceState.COMPLETED
    assert plant.ended(found["one"]) is InstanceState.ACTIVE


def test_a_process_that_reads_its_business_key_has_it_also_when_it_is_called():
    content = """<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="x"/>
      <scriptTask id="x" scriptFormat="juel" c:resultVariable="y">
      <script>no. ${execution.processBusinessKey}</script></scriptTask>"""
    caller = """<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="x"/>
      <callActivity id="x" calledElement="p"><extensionElements>
      <c:out source="y" target="z"/></extensionElements></callActivity>"""
    plant = Plant()
    plant.does(Deploy(process=document(content)))
    plant.does(Deploy(process=document(caller).replace(b'<process id="p"', b'<process id="q"')))
    instance = plant.does(StartInstance(process="q", business_key="7")).instance
    assert plant.result(instance) == {"z": "no. 7"}


# -- all together ------------------------------------------------------------------------------


def test_a_model_of_another_engine_runs():
    flows = "".join(
        f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate([("s", "a"), ("a", "g"), ("u", "e")])
    )
    content = f"""<startEvent id="s"/><serviceTask id="a" c:expression="${{n * 2}}"
        c:resultVariable="m"/><exclusiveGateway id="g" default="other"/>
        <userTask id="u" c:assignee="${{boss}}"/><serviceTask id="w" c:class="Weld"/>
        <endEvent id="e"/>{flows}<sequenceFlow id="big" sourceRef="g" targetRef="u">
        <conditionExpression>${{m gt 5 &amp;&amp; not done}}</conditionExpression></sequenceFlow>
        <sequenceFlow id="other" sourceRef="g" targetRef="w"/>
        <sequenceFlow id="f9" sourceRef="w" targetRef="e"/>"""
    plant = Plant()
    process, _ = read_bpmn(document(content))
    big = plant.starts(process, {"n": 3, "boss": "eva", "done": False})
    assert plant.job("u").assignee == "eva"
    plant.completes("u")
    assert plant.result(big)["m"] == 6
    plant.starts(process, {"n": 1, "boss": "eva", "done": False})
    assert plant.open_nodes() == ["w"]


def test_listeners_of_a_process_are_told_at_its_ends():
    content = """<extensionElements><c:executionListener event="start" class="Begun"/>
      <c:executionListener event="end" class="Over"/></extensionElements><startEvent id="s"/>
      <sequenceFlow id="f" sourceRef="s" targetRef="x"/><userTask id="x"/>"""
    plant = Plant()
    plant.starts(read_bpmn(document(content))[0])
    assert plant.job("s/end/1").type == "Begun"
    plant.completes("s/end/1")
    plant.completes("x")
    assert plant.job("p/end/1").type == "Over"


UNREACHED = """<laneSet id="l"><lane id="l1"><flowNodeRef>x</flowNodeRef>
  <flowNodeRef>b</flowNodeRef></lane></laneSet><startEvent id="s"/>
  <sequenceFlow id="f" sourceRef="s" targetRef="x"/><userTask id="x"/>
  <userTask id="a"/><boundaryEvent id="t" attachedToRef="a"><timerEventDefinition>
  <timeDuration>PT1S</timeDuration></timerEventDefinition></boundaryEvent>
  <sequenceFlow id="f2" sourceRef="a" targetRef="b"/><userTask id="b"/>
  <sequenceFlow id="f3" sourceRef="t" targetRef="x"/>
  <userTask id="c"/><sequenceFlow id="f4" sourceRef="c" targetRef="c"/>"""


def test_what_nothing_reaches_is_left_out_as_in_the_java_engines():
    process, _ = read_bpmn(document(UNREACHED))
    assert [node.id for node in process.nodes] == ["s", "x", "c"]
    assert [flow.id for flow in process.flows] == ["f", "f4"]
    assert process.lanes[0].nodes == ("x",)
    plant = Plant()
    key = plant.starts(process)
    plant.completes("x")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_what_nothing_reaches_is_refused_in_a_plain_model():
    bare = document(UNREACHED).replace(b'xmlns:c="http://camunda.org/schema/1.0/bpmn"', b"")
    process, _ = read_bpmn(bare)
    with pytest.raises(Invalid, match="nothing would ever reach it"):
        Plant().does(Deploy(process=process))
