"""The namespaces of the Java engines, and what of theirs changes nothing for us."""

JAVA = "{http://camunda.org/schema/1.0/bpmn}"
"""The namespace that elements and attributes of all these engines are moved to."""

JAVA_NAMESPACES = frozenset(
    {
        "http://camunda.org/schema/1.0/bpmn",
        "http://operaton.org/schema/1.0/bpmn",
        "http://activiti.org/bpmn",
        "http://flowable.org/bpmn",
        "http://www.camunda.com/fox",
        "http://www.operaton.com/fox",
    }
)
"""Engines of one family: they read the same elements, each under its own namespace."""

HARMLESS_ATTRIBUTES = frozenset(
    {"async", "asyncBefore", "asyncAfter", "asyncLeave", "exclusive"}
    | {"jobPriority", "taskPriority", "historyTimeToLive", "isStartableInTasklist"}
    | {"candidateStarterUsers", "candidateStarterGroups", "initiator"}
    | {"modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon"}
    | {"owner"}
    | {"variableName", "variableEvents", "mapDecisionResult", "executionPlatform"}
)
"""Every step is durable and has one history here; conditions are read when a variable changes."""

HARMLESS_ELEMENTS = frozenset(
    {"properties", "formData", "formProperty", "potentialStarter", "modelerTemplate"}
)
