"""Named limits of the code with their words, for the tables of the reference."""  # noqa: INP001

from fabloop.adapt import ladder, patterns
from fabloop.adapt.goals import index as goal_index
from fabloop.adapt.goals import reach, tracks
from fabloop.adapt.repair import domain as repair_domain
from fabloop.adapt.repair import instantiate, many, planner, rebind, vet, weave
from fabloop.adapt.repair import propose as repair_propose
from fabloop.adapt.repair import search as repair_search
from fabloop.adapters.arrowhead import authority
from fabloop.adapters.arrowhead.five import authentication as five_authentication
from fabloop.adapters.arrowhead.five import facade as five
from fabloop.adapters.arrowhead.five import pages as five_pages
from fabloop.adapters.arrowhead.five import reading as five_reading
from fabloop.adapters.arrowhead.four import answers as four_answers
from fabloop.adapters.arrowhead.four import authorization as four_authorization
from fabloop.adapters.arrowhead.four import event_handler as four_events
from fabloop.adapters.buffer import source as buffer_source
from fabloop.adapters.bulks import frame
from fabloop.adapters.dataspace import access as data_access
from fabloop.adapters.dataspace import databases as data_databases
from fabloop.adapters.dataspace import sources as data_sources
from fabloop.adapters.dataspace import triples as data_triples
from fabloop.adapters.historian import condensing, frames, layout, parquet, query, sql
from fabloop.adapters.http_readings import config as posted
from fabloop.adapters.http_readings import server as posted_server
from fabloop.adapters.modbus import groups as modbus_groups
from fabloop.adapters.mqtt import link, mapping, packets
from fabloop.adapters.mqtt.sparkplug import host as sparkplug_host
from fabloop.adapters.opcua import history as opcua_history
from fabloop.adapters.opcua import listening
from fabloop.adapters.opcua import reading as opcua_reading
from fabloop.adapters.opcua.browse import DEPTH_MAX, VARIABLES_MAX
from fabloop.adapters.openapi import caller as service_caller
from fabloop.adapters.planners import export as planners_export
from fabloop.adapters.rdf import graph
from fabloop.adapters.replay import tables
from fabloop.app import market
from fabloop.app.choreography import conduct, ledger
from fabloop.app.choreography import executor as choreography_executor
from fabloop.app.choreography import plans as choreography_plans
from fabloop.app.cloud import host as cloud_host
from fabloop.app.cloud import pushing as cloud_pushing
from fabloop.app.dataspace import space as data_space
from fabloop.app.edge import app as edge_app
from fabloop.app.edge import config, deployment, hosted, outgoing, requests, results
from fabloop.app.machines import topics as machine_topics
from fabloop.app.processes import host, questions, server, upkeep, wire
from fabloop.app.service_space import folder as service_folder
from fabloop.base import xml
from fabloop.base.instant import DAY, SECOND
from fabloop.dataspace import (
    anchors,
    assemble,
    book,
    describe,
    discover,
    notation,
    paths,
    profile,
    shred,
)
from fabloop.dataspace import links as data_links
from fabloop.model import amounts, calendar, features
from fabloop.model.documents import (
    connection_structs,
    goal_phrases,
    goal_structs,
    lanes,
    skills,
    texts,
    variants,
)
from fabloop.model.documents import values as figures
from fabloop.plan import countable, engine, orders, producible, rerouting
from fabloop.plan.catalogue import catalogue, hitting, survey
from fabloop.plan.catalogue import variants as plan_variants
from fabloop.plan.floors import decomposed, loads
from fabloop.plan.market import blinding, buyer, tenant
from fabloop.plan.reasons import (
    conflicts,
    minimal,
    penalty,
    recommend,
    shared,
    upgrades,
    why_choices,
)
from fabloop.plan.running import forecast, stay, watchlist
from fabloop.plan.shop import model as shop
from fabloop.plan.shop.cpsat import search
from fabloop.plan.shop.formats import lines
from fabloop.plan.statement import opening, sources
from fabloop.plan.terms import objectives
from fabloop.plan.timetable import alternatives, bargain, joining
from fabloop.plan.tradeoffs import constrained, front, hindrance, timely, tradeoff
from fabloop.process import batch, calls, jobs, passive, recovery, rounds, step
from fabloop.process.appliers import operations
from fabloop.process.bpmn import juel, validate
from fabloop.process.cpn import (
    colour,
    compiled,
    cpnxml_declarations,
    document,
    domain,
    expression,
    generate,
    hierarchy,
    pnml_sorts,
    simulate,
    token,
)
from fabloop.process.cpn.ml import parse, values
from fabloop.process.remembered import FINISHED_REMEMBERED_MAX
from fabloop.process.state import REQUESTS_REMEMBERED_MAX
from fabloop.process.verify import copies, explore, judge, stubborn
from fabloop.process.verify.flat import Limits
from fabloop.sense.connections import propose
from fabloop.sense.readings import buckets, intake, states
from fabloop.sense.readings.payloads import binary, salvage
from fabloop.services.cloud import bind as cloud_bind
from fabloop.services.cloud import command as cloud_command
from fabloop.services.cloud import events as cloud_events
from fabloop.services.cloud import metadata as cloud_metadata
from fabloop.services.cloud import names as cloud_names
from fabloop.services.cloud import people as cloud_people
from fabloop.services.cloud import push as cloud_push
from fabloop.services.cloud import state as cloud_state
from fabloop.services.cloud import tokens as cloud_tokens
from fabloop.services.composition import chain as service_chain
from fabloop.services.composition import needs as service_needs
from fabloop.services.composition.carry_out import ITEMS_MAX
from fabloop.services.composition.compose import ALTERNATIVES_MAX, CANDIDATES_MAX
from fabloop.services.descriptions import annotations as service_annotations
from fabloop.services.descriptions import operations as service_operations
from fabloop.services.descriptions import parameters as service_parameters
from fabloop.services.descriptions import references as service_references
from fabloop.services.descriptions import syntax as service_syntax
from fabloop.services.discovery import index as service_index
from fabloop.services.discovery import intent as service_intent
from fabloop.sim.line import injections
from fabloop.sim.processes import ahead as play_ahead

DAY_NS = 86_400 * 10**9
YEAR_NS = 366 * 86_400 * 10**9
_VERIFY = Limits()

ROWS: dict[str, dict[str, int]] = {
    "adaptation": {
        "actions of a domain": repair_domain.ACTIONS_MAX,
        "things of a domain": repair_domain.THINGS_MAX,
        "variables of an action": repair_domain.PARAMETERS_MAX,
        "ways to bind actions that are looked at": instantiate.STEPS_MAX,
        "states of one pass of the search": repair_search.STATES_MAX,
        "further plans looked for": planner.ALTERNATIVES_MAX,
        "options of a proposal": repair_propose.OPTIONS_MAX,
        "rows of nodes that are replaced on trial": repair_propose.ROWS_REPLACED_MAX,
        "nodes in a row beside or in the place of which steps may stand": weave.CHAIN_MAX,
        "markings looked at to verify a repaired process": vet.MARKINGS_MAX,
        "things recovered alike": many.TOKENS_MAX,
        "bindings tried to carry steps over to other things": rebind.TRIES_MAX,
        "ground actions for another engine": planners_export.OPERATORS_MAX,
        "patterns kept": patterns.PATTERNS_MAX,
        "deviations of one instance dealt with together": ladder.DEVIATIONS_PER_CASE_MAX,
        "open cases": ladder.CASES_MAX,
    },
    "goals": {
        "goals, and KPIs, of one document": goal_structs.GOALS_MAX,
        "days of a span": goal_phrases.SPAN_DAYS_MAX,
        "occurrences that a goal may allow": goal_phrases.TIMES_MAX,
        "subjects remembered; then those that are decided are forgotten": tracks.TRACKS_MAX,
        "subjects of one process instance": goal_index.KEYS_MAX,
        "instances remembered after their end": tracks.ENDED_MAX,
        "spans of the calendar remembered per KPI": tracks.SPANS_MAX,
        "remaining times remembered per node and event": tracks.SAMPLES_MAX,
        "nodes of a process whose ways are looked at": reach.NODES_MAX,
        "nodes tried out for whether an event can do without them": reach.NODES_TRIED_MAX,
        "runs of a simulation": play_ahead.RUNS_MAX,
        "things that happen in such a run": play_ahead.EVENTS_MAX,
    },
    "documents": {
        "documents in a folder": texts.DOCUMENTS_MAX,
        "bytes of a document": texts.FILE_BYTES_MAX,
        "entries of a list": texts.ENTRIES_MAX,
        "operations of a product": texts.OPERATIONS_MAX,
        "features of a product": texts.FEATURES_MAX,
        "options of a feature, words of an offer": texts.OPTIONS_MAX,
        "attributes of a product": texts.ATTRIBUTES_MAX,
        "combinations of features that are tried": variants.VARIANTS_TRIED_MAX,
        "looks at rules in search of options that no variant has": features.RULES_LOOKED_AT_MAX,
        "parts of a skill": texts.PARTS_MAX,
        "parts of skills within parts": skills.COMPOSITION_DEPTH_MAX,
        "pieces of a material in one product": amounts.PIECES_PER_PRODUCT_MAX,
        "pieces of an order, of a batch, of a tool": texts.PIECES_MAX,
        "days of cut-off before a departure": lanes.CUT_OFF_DAYS_MAX,
        "days of a calendar looked at together": calendar.CALENDAR_DAYS_MAX,
        "statements of an RDF file": graph.TRIPLES_MAX,
        "minor currency units of one figure": figures.MONEY_MAX,
        "last year of an instant": figures.YEARS[-1],
    },
    "data-space": {
        "sources of a data space": describe.SOURCES_MAX,
        "tables of a source": data_access.TABLES_MAX,
        "columns of a nested table": shred.COLUMNS_MAX,
        "lists and objects within each other": shred.DEPTH_MAX,
        "rows of an answer that is read as a whole (JSON, HTTP, NGSI-LD, RDF, streams)": (
            shred.ROWS_SHREDDED_MAX
        ),
        "bytes of a file or answer that is read as a whole": data_access.BYTES_MAX,
        "statements of an RDF file": data_triples.TRIPLES_MAX,
        "seconds that a database may take for one answer": data_databases.STATEMENT_S_MAX,
        "rows of a table that are looked at": profile.SAMPLE_ROWS_MAX,
        "different values of a column that are remembered": profile.VALUES_MAX,
        "links between tables": data_links.LINKS_MAX,
        "characters of a target": notation.TARGET_TEXT_MAX,
        "triples of a target": notation.TRIPLES_MAX,
        "parentheses within each other": notation.EXPRESSION_DEPTH_MAX,
        "joins between two tables": paths.HOPS_MAX,
        "tables of one mapping": assemble.USES_MAX,
        "combinations of tables that are followed up together": anchors.STATES_MAX,
        "proposals shown to a person": discover.PROPOSALS_MAX,
        "values of one given name": data_space.GIVEN_MAX,
        "rows of one answer, unless told otherwise": data_space.ROWS_MAX,
        "rows of one table that are loaded for one question": data_sources.LOADED_ROWS_MAX,
        "values of a join that are handed to the next source": data_sources.NARROWED_MAX,
        "versions of one target that are remembered": book.VERSIONS_KEPT,
        "open questions": book.QUESTIONS_MAX,
    },
    "edge": {
        "groups of an edge": deployment.GROUPS_MAX,
        "apps of a group": deployment.APPS_PER_GROUP_MAX,
        "signals of a machine": frame.SIGNALS_MAX,
        "samples of a bulk": frame.SAMPLES_MAX,
        "bytes of a bulk or announcement, beside its header": frame.BODY_BYTES_MAX,
        "bytes of a machine's name": frame.MACHINE_BYTES_MAX,
        "samples of a window": edge_app.WINDOW_SAMPLES_MAX,
        "calls in a row that may fail before an app is stopped": hosted.FAILURES_MAX,
        "readings told in one call": outgoing.READINGS_PER_CALL_MAX,
        "bytes of a fact": outgoing.FACT_BYTES_MAX,
        "bytes of results that wait on disk for the centre": results.LIMIT_BYTES,
        "results that wait in memory for a full disk": results.PENDING_MAX,
        "results of one answer": requests.RESULTS_MAX,
        "bytes of a request": requests.REQUEST_BYTES_MAX,
        "versions kept": config.VERSIONS_KEPT,
    },
    "readings": {
        "series of a store": layout.SERIES_MAX,
        "retention classes": layout.CLASSES_MAX,
        "readings that wait for their commit (unless told otherwise)": layout.Options().pending_max,
        "readings of a segment of the hot log (unless told otherwise)": (
            layout.Options().segment_readings
        ),
        "segments that wait to be sealed (unless told otherwise)": layout.Options().frozen_max,
        "readings of a frame": frames.FRAME_READINGS_MAX,
        "readings of a row group": parquet.ROWS_PER_GROUP,
        "sealed files whose directories are remembered": parquet.OPEN_FILES_MAX,
        "readings joined in memory at once, unless one series has more": (
            condensing.MERGED_AT_ONCE_MAX
        ),
        "files of similar size in one hour before they are joined": condensing.PARTS_PER_LEVEL,
        "readings of one answer": query.ANSWER_READINGS_MAX,
        "steps of one answer": buckets.BUCKETS_MAX,
        "states of one series": states.STATES_MAX,
        "days before an instant in which the value that held is looked for": (
            query.LOOK_BACK_NS // DAY_NS
        ),
        "rows of one answer in SQL": sql.ANSWER_ROWS_MAX,
        "threads of SQL (unless told otherwise)": sql.THREADS,
    },
    "cloud": {
        "characters of a name": cloud_names.NAME_CHARACTERS_MAX,
        "records of one kind": cloud_command.RECORDS_MAX,
        "entries of one command": cloud_command.ENTRIES_MAX,
        "entries of one list of a request": five_reading.LIST_MAX,
        "entries of one page": five_pages.SIZE_MAX,
        "bytes of a request": five.BODY_BYTES_MAX,
        "levels of metadata": five_reading.METADATA_DEPTH_MAX,
        "characters of a regular expression": cloud_metadata.PATTERN_CHARACTERS_MAX,
        "characters that a regular expression is held to": cloud_metadata.TEXT_CHARACTERS_MAX,
        "characters of a description": five_reading.DESCRIPTION_CHARACTERS_MAX,
        "characters of a password": five_authentication.PASSWORD_CHARACTERS_MAX,
        "offers that one orchestration gives": cloud_bind.RESULTS_MAX,
        "seconds that a token holds, unless its provider says otherwise": cloud_tokens.TOKEN_LIFE_S,
        "seconds that a token may hold": cloud_tokens.TOKEN_LIFE_S_MAX,
        "uses of a counted token": cloud_tokens.USAGE_LIMIT_MAX,
        "seconds that a login holds": cloud_people.SESSION_S,
        "attempts of one push": cloud_push.PUSH_ATTEMPTS_MAX,
        "pushes under way at once": cloud_pushing.UNDER_WAY_MAX,
        "orchestrations remembered that are done": cloud_state.JOBS_MAX,
        "commands not yet acknowledged": cloud_host.UNACKNOWLEDGED_MAX,
    },
    "choreography": {
        "characters of an event's payload": cloud_events.PAYLOAD_CHARACTERS_MAX,
        "seconds that an event may be old, or ahead": cloud_events.TOLERANCE_NS // SECOND,
        "attempts to deliver an event": four_events.ATTEMPTS_MAX,
        "deliveries of events that wait": four_events.WAITING_MAX,
        "bytes of a request of 4.6.2": four_answers.BODY_BYTES_MAX,
        "minutes that a token of 4.6.2 may hold": four_authorization.TOKEN_MINUTES_MAX,
        "days that a system's certificate may last": authority.SYSTEM_NS_MAX // DAY,
        "plans of a choreographer": ledger.PLANS_MAX,
        "executors of a choreographer": ledger.EXECUTORS_MAX,
        "sessions that a choreographer remembers": ledger.SESSIONS_MAX,
        "steps of one plan": choreography_plans.STEPS_MAX,
        "steps in progress at once": conduct.ATTEMPTS_MAX,
        "seconds of silence until another takes over": int(conduct.PATIENCE_S),
        "seconds that a silent system comes last": int(conduct.SUSPICION_S),
        "seconds that an offer is held at once": conduct.HOLD_S,
        "steps in progress of one executor": choreography_executor.STEPS_MAX,
    },
    "marketplace": {
        "inquiries of one exchange that a tenant answers": tenant.INQUIRIES_MAX,
        "ways by indicative prices that a buyer looks at": buyer.COMPOSITIONS_LOOKED_AT_MAX,
        "bytes of a secret or a salt, at least": blinding.SECRET_BYTES_MIN,
    },
    "process": {
        "nodes of a process": validate.NODES_MAX,
        "nested sub-processes": validate.DEPTH_MAX,
        "flows into inclusive gateways": validate.MERGED_FLOWS_MAX,
        "processes that call each other, one inside the other": calls.CALL_DEPTH_MAX,
        "nodes and firings of an instance for one trigger": step.INSTRUCTIONS_PER_TRIGGER_MAX,
        "rounds of one activity": rounds.ROUNDS_MAX,
        "rounds that one command begins": step.ROUNDS_PER_COMMAND_MAX,
        "bytes of XML": xml.XML_BYTES_MAX,
        "elements of XML": xml.XML_ELEMENTS_MAX,
        "levels of XML": xml.XML_DEPTH_MAX,
        "characters of a JUEL expression": juel.JUEL_LENGTH_MAX,
        "levels of a JUEL expression": juel.JUEL_DEPTH_MAX,
        "requests remembered": REQUESTS_REMEMBERED_MAX,
    },
    "operate": {
        "ended instances remembered": FINISHED_REMEMBERED_MAX,
        "ended batches remembered": operations.BATCHES_REMEMBERED_MAX,
        "instances in memory as records; more of them rest": passive.ROOTS_IN_MEMORY_MAX,
        "rows that a server lets come between snapshots": upkeep.ROWS_PER_SNAPSHOT,
        "snapshots kept": recovery.SNAPSHOTS_KEPT,
        "instances of a batch": batch.TARGETS_PER_BATCH_MAX,
        "instances of one step of a batch": batch.TARGETS_PER_STEP_MAX,
        "reasons that a batch keeps": operations.FAILURES_KEPT_MAX,
        "instances that a dry run looks at": questions.REHEARSED_MAX,
        "rows of an answer": questions.ROWS_MAX,
        "jobs given out at once": jobs.JOBS_PER_COMMAND_MAX,
        "commands that wait to be decided": host.QUEUE_MAX,
        "processes that use a server": server.CALLERS_MAX,
        "bytes of a command to a server": wire.FRAME_BYTES_MAX,
    },
    "nets": {
        "places": document.PLACES_MAX,
        "transitions": document.TRANSITIONS_MAX,
        "arcs into a transition": document.ARCS_PER_TRANSITION_MAX,
        "initial tokens of a place": document.TOKENS_PER_PLACE_MAX,
        "characters of a text, items of a list": min(token.TEXT_LENGTH_MAX, token.LIST_LENGTH_MAX),
        "levels of plain data": colour.COLOUR_DEPTH_MAX,
        "characters of an inscription": expression.TEXT_MAX,
        "parts of an inscription": expression.NODES_MAX,
        "levels of an inscription": expression.DEPTH_MAX,
        "equal tokens on an arc": generate.COUNT_MAX,
        "values of a sort, terms of an inscription of PNML": pnml_sorts.VALUES_MAX,
        "values and terms of all sorts and inscriptions of PNML": pnml_sorts.VALUES_TOTAL_MAX,
        "declarations of PNML": pnml_sorts.DECLARATIONS_MAX,
        "parts of a product of PNML": pnml_sorts.PRODUCT_PARTS_MAX,
        "values with which a free variable is tried": domain.CHOICES_MAX,
        "values of a colour that can be listed (`C.all()`)": domain.DOMAIN_MAX,
        "pages of a flat net": hierarchy.PAGES_MAX,
        "pages one inside the other": hierarchy.PAGE_DEPTH_MAX,
        "colour sets of a file of CPN Tools": cpnxml_declarations.COLOURS_MAX,
        "declarations of a file of CPN Tools": cpnxml_declarations.DECLARATIONS_MAX,
        "characters of a text in CPN ML": parse.ML_TEXT_MAX,
        "levels of an expression in CPN ML": parse.ML_DEPTH_MAX,
        "steps of one evaluation in CPN ML": values.STEPS_MAX,
        "tokens of a multiset in CPN ML": values.BUNCH_MAX,
        "bindings of a transition in one marking": compiled.BINDINGS_PER_MARKING_MAX,
        "years of delay": generate.DELAY_NS_MAX // YEAR_NS,
        "firings of a simulation (unless told otherwise)": simulate.FIRINGS_MAX,
    },
    "verification": {
        "flat transitions from unfolding": _VERIFY.bindings,
        "values per coloured place": _VERIFY.values,
        "markings explored": _VERIFY.markings,
        "arcs explored": _VERIFY.arcs,
        "bytes that markings and arcs may take, roughly": _VERIFY.memory,
        "tokens of one field": (1 << explore.WIDTHS[-1] - 1) - 1,
        "markings searched for a shorter counterexample": judge.EXPLAINED_MARKINGS_MAX,
        "markings searched for deadlocks once all are too many": stubborn.DEADLOCK_MARKINGS_MAX,
        "transitions compared in search of interchangeable tokens": copies.LOOKS_MAX,
    },
    "planning": {
        "operations; beyond, the answer is *not decided*": producible.OPERATIONS_MAX,
        "minor currency units of one operation, all pieces together": countable.COST_MAX,
        "joules of one operation, all pieces together": countable.ENERGY_MAX,
        "days after which a plan without calendars is *not decided*": opening.AFTER_ALL // DAY,
        "pairs of choices in one constraint model; beyond, the farthest candidates are left out": (
            engine.WAYS_MAX
        ),
        "pairs of choices beyond which a makespan is decomposed": engine.LARGE,
        "choices of an operation beyond which it is no load in a bound": loads.SPREAD_MAX,
        "shares solved for in all rounds of one bound by loads": loads.SHARES_MAX,
        "windows looked into for the makespan of one order": decomposed.LOOKS_MAX,
        "operations of all orders that are planned together": orders.ORDERS_OPERATIONS_MAX,
        "conflicts told": conflicts.CONFLICTS_MAX,
        "smallest sets of demands tried in search of further conflicts": minimal.HITTING_SETS_MAX,
        "alternatives sought for the product, and for the factory": recommend.ALTERNATIVES_MAX,
        "rounds of learning in one search for the least changes": upgrades.ROUNDS_MAX,
        "new ways looked at to resolve one conflict": upgrades.WAYS_MAX,
        "ways out of all conflicts across jobs, in search of the least": upgrades.WAYS_OUT_MAX,
        "tree solves in one search for the least changes of a product": penalty.SOLVES_MAX,
        "changes of factories done without in search of lesser ones": shared.TRIES_MAX,
        "variants compared with the choices of an order": why_choices.CHOICES_MAX,
        "variants tried in place of the choices of an order": why_choices.CHOICES_TRIED_MAX,
        "sums of an aim, one after another": objectives.RANKS_MAX,
        "pairs (finish, value) of one choice; beyond, they are joined and the bound loosens": (
            tradeoff.LABELS_MAX
        ),
        "columns of a mixed-integer model; beyond, a gap may stay": constrained.COLUMNS_MAX,
        "sets of factories that a deadline is looked at with one by one": timely.SUBSETS_MAX,
        "minimal sets of wishes told": hindrance.CONFLICTS_MAX,
        "points of a front (unless told otherwise)": front.POINTS_MAX,
        "choices among alternatives that are solved for time": alternatives.CHOICES_MAX,
        "operations placed while hours of cheaper energy are sought": bargain.PLACINGS_MAX,
        "sites whose stock of one material is weighed up in all sets": sources.STORES_MAX,
        "joint runs tried for several orders": joining.JOININGS_MAX,
        "times that all orders are planned again with another routing of one": (
            rerouting.REROUTINGS_MAX
        ),
        "ways of working that are put out to tender": market.WAYS_ASKED_MAX,
        "products of a catalogue": catalogue.PRODUCTS_MAX,
        "steps of all products of a catalogue": catalogue.STEPS_MAX,
        "groups of sites in the proof of the fewest sites": survey.CUTS_MAX,
        "branches in search of the fewest sites": hitting.BRANCHES_MAX,
        "variants of a family that a survey looks at": plan_variants.VARIANTS_MAX,
        "changes that a repair is held to; beyond, every change has its price": stay.CHANGES_MAX,
        "open plans of a watchlist": watchlist.PLANS_MAX,
        "steps and movements of one of them": watchlist.PARTS_MAX,
        "days that a trend is followed": forecast.DAYS_MAX,
    },
    "sources": {
        "series of one source": intake.SERIES_MAX,
        "bytes of a mapping": mapping.MAPPING_BYTES_MAX,
        "topic rules of a mapping": mapping.TOPICS_MAX,
        "series rules of a mapping": mapping.SERIES_RULES_MAX,
        "bytes of an MQTT packet; the broker is told so": packets.PACKET_BYTES_MAX,
        "messages that wait for us before we stop reading from the broker": link.INBOX_MAX,
        "edge nodes of a Sparkplug host": sparkplug_host.NODES_MAX,
        "bytes of a posted batch": posted.BODY_BYTES_MAX,
        "posted readings on their way into the store": posted.PENDING_READINGS_MAX,
        "batch ids that are remembered": posted.BATCH_IDS_MAX,
        "characters of a batch id": posted.BATCH_ID_CHARACTERS_MAX,
        "posts under way at once": posted_server.CONNECTIONS_MAX,
        "bytes of a buffer on disk, unless told otherwise": buffer_source.BYTES_MAX,
        "readings that wait for their commit to it": buffer_source.PENDING_READINGS_MAX,
        "columns of a recording": tables.COLUMNS_MAX,
        "lists of names of binary columns that are remembered": binary.KNOWN_NAMES_MAX,
        "characters of a state sent as a bare word": salvage.WORD_CHARACTERS_MAX,
        "nodes of an OPC UA server that are looked at": VARIABLES_MAX,
        "levels below the objects of an OPC UA server that are looked at": DEPTH_MAX,
        "elements of an array that are proposed as series": propose.ELEMENTS_MAX,
        "values of OPC UA that wait for the store before the server is held back": (
            listening.WAITING_MAX
        ),
        "requests for the history of one gap": opcua_history.REQUESTS_MAX,
        "values of one variable in each of them": opcua_history.VALUES_PER_NODE,
        "values of a gap that are known again when they come twice": opcua_reading.REPEATS_MAX,
        "elements of an array": connection_structs.ELEMENTS_MAX,
        "values that a server is asked to hold for a variable": connection_structs.QUEUE_MAX,
        "states of a variable": connection_structs.STATES_MAX,
        "registers of one Modbus request": modbus_groups.REGISTERS_PER_REQUEST,
        "coils or inputs of one": modbus_groups.BITS_PER_REQUEST,
        "topics that `machine add` hears": machine_topics.TOPICS_MAX,
        "injections into a simulated line": injections.INJECTIONS_MAX,
    },
    "scheduling": {
        "tasks, and jobs": shop.TASKS_MAX,
        "modes of all tasks": shop.MODES_MAX,
        "resources": shop.RESOURCES_MAX,
        "arcs": shop.ARCS_MAX,
        "options of all choices": shop.OPTIONS_MAX,
        "choices in options of choices": shop.DEPTH_MAX,
        "ticks of a duration, lag, date or set-up": shop.TICKS_MAX,
        "pairs of tasks in set-up orders and batches; beyond, nothing is searched for": (
            search.SEQUENCE_PAIRS_MAX
        ),
        "bytes of a file": lines.BYTES_MAX,
    },
    "services": {
        "bytes of a document": service_syntax.DOCUMENT_BYTES_MAX,
        "values of a document, each alias as often as it is used": service_syntax.VALUES_MAX,
        "values within values": service_syntax.DEPTH_MAX,
        "references in a row": service_references.REFERENCES_MAX,
        "operations of a service": service_operations.OPERATIONS_MAX,
        "parameters of an operation, properties of a body": service_parameters.PARAMETERS_MAX,
        "words of a kind of keyword": service_annotations.KEYWORDS_MAX,
        "conditions or effects of an operation": service_annotations.LITERALS_MAX,
        "services of a folder": service_folder.SERVICES_MAX,
        "operations that are searched": service_index.ENTRIES_MAX,
        "characters of what is wanted": service_intent.TEXT_MAX,
        "operations that feed each other in a row": service_chain.DEPTH_MAX,
        "operations that are looked at for a wish": CANDIDATES_MAX,
        "ways to a goal that are told": ALTERNATIVES_MAX,
        "targets of a need for data": service_needs.TARGETS_MAX,
        "items of a list for each of which a call is made": ITEMS_MAX,
        "bytes of an answer": service_caller.ANSWER_BYTES_MAX,
        "answers remembered by key": service_caller.ANSWERS_REMEMBERED_MAX,
    },
}
