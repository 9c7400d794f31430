"""Small decision models as XML, for the tests of the package."""

NAMESPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def definitions(*parts, namespace="urn:test", dmn=NAMESPACE):
    inside = "\n".join(parts)
    head = f'<definitions xmlns="{dmn}" name="test" namespace="{namespace}">'
    return f"{head}\n{inside}\n</definitions>".encode()


def item(name, kind="", *components, allowed="", constraint="", collection=False):
    inside = f"<typeRef>{kind}</typeRef>" if kind else ""
    inside += "".join(
        f'<itemComponent name="{key}"><typeRef>{value}</typeRef></itemComponent>'
        for key, value in components
    )
    inside += f"<allowedValues><text>{allowed}</text></allowedValues>" if allowed else ""
    inside += f"<typeConstraint><text>{constraint}</text></typeConstraint>" if constraint else ""
    listed = str(collection).lower()
    return f'<itemDefinition name="{name}" isCollection="{listed}">{inside}</itemDefinition>'


def given(name, kind="Any"):
    variable = f'<variable name="{name}" typeRef="{kind}"/>'
    return f'<inputData id="{name}" name="{name}">{variable}</inputData>'


def need(reference):
    """Return a requirement; ``?x`` is input data, ``!x`` knowledge, ``x`` a decision."""
    kind = {"?": "requiredInput", "!": "requiredKnowledge"}.get(reference[0], "requiredDecision")
    outer = "knowledgeRequirement" if reference[0] == "!" else "informationRequirement"
    href = reference.lstrip("?!")
    return f'<{outer}><{kind} href="{href if "#" in href else "#" + href}"/></{outer}>'


def text(source, kind=""):
    escaped = source.replace("&", "&amp;").replace("<", "&lt;")
    return f'<literalExpression typeRef="{kind}"><text>{escaped}</text></literalExpression>'


def decision(name, logic, *needs, kind="Any"):
    inside = "".join(map(need, needs))
    variable = f'<variable name="{name}" typeRef="{kind}"/>'
    return f'<decision id="{name}" name="{name}">{variable}{inside}{logic}</decision>'


def knowledge(name, parameters, logic, *needs, kind=""):
    formal = "".join(
        f'<formalParameter name="{key}" typeRef="{value}"/>' for key, value in parameters.items()
    )
    inside = f'<encapsulatedLogic typeRef="{kind}">{formal}{logic}</encapsulatedLogic>'
    needed = "".join(map(need, needs))
    return (
        f'<businessKnowledgeModel id="{name}" name="{name}"><variable name="{name}"/>'
        f"{inside}{needed}</businessKnowledgeModel>"
    )


def context(*entries):
    """Return a context; an entry of one is its result."""
    inside = "".join(
        f'<contextEntry><variable name="{each[0]}"/>{each[1]}</contextEntry>'
        if len(each) == 2
        else f"<contextEntry>{each[0]}</contextEntry>"
        for each in entries
    )
    return f"<context>{inside}</context>"


def table(policy, inputs, outputs, rules, aggregation=""):
    """Return a table; inputs are texts, outputs (name, values, default), rules cells per column."""
    how = f'aggregation="{aggregation}"' if aggregation else ""
    inside = "".join(
        f"<input><inputExpression><text>{each}</text></inputExpression></input>" for each in inputs
    )
    for name, values, default in outputs:
        inside += f'<output name="{name}">'
        inside += f"<outputValues><text>{values}</text></outputValues>" if values else ""
        inside += (
            f"<defaultOutputEntry><text>{default}</text></defaultOutputEntry>" if default else ""
        )
        inside += "</output>"
    for at, cells in enumerate(rules):
        inside += f'<rule id="rule{at}">'
        for column, cell in enumerate(cells):
            kind = "inputEntry" if column < len(inputs) else "outputEntry"
            escaped = cell.replace("<", "&lt;")
            inside += f"<{kind}><text>{escaped}</text></{kind}>"
        inside += "</rule>"
    return f'<decisionTable id="table" hitPolicy="{policy}" {how}>{inside}</decisionTable>'
