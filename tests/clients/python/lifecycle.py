"""A client that Sanbang did not write: grpcio and reflection, no generated code.

Drives one project through all twelve stages of the shipped workflow. Meanwhile a reader follows the
events, breaks its connection off again and again, and goes on from its last token. In the end what
it has seen is compared with what is recorded: nothing missing, nothing twice.

    python lifecycle.py 127.0.0.1:7070
"""

import sys
import threading
from datetime import datetime, timedelta, timezone

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

PROJECT = "python-1"

# What becomes known in each stage, and is needed to leave it.
FACTS = {
    "lead_tracking": {
        "investor_profile": "Maker of cathode materials, listed",
        "project_outline": "20,000 tonnes a year in two phases",
        "total_investment": 12000,
    },
    "assessment": {"tier": "B"},
    "negotiation": {
        "site_mode": "land_purchase",
        "site": "Plot 7",
        "fixed_asset_investment": "9000.00",
        "hazard": "none",
    },
    "signing": {
        "agreement_number": "A-2025-11",
        "signed_on": "2025-02-25",
        "planned_start": "2025-07-31",
        "planned_completion": "2026-03-31",
        "planned_production": "2026-06-30",
        "claims_due": 1,
    },
    "project_approval": {
        "approval_route": "filing",
        "project_company": "Northern Lake New Energy",
        "project_code": "2502-340300-04-01-000011",
    },
    "land_supply": {"land_area": 60, "plot_state": "ready"},
    "construction": {"started_on": "2025-04-14", "finished_on": "2026-03-20"},
    "commissioning": {"produced_on": "2026-04-20", "claim_mode": "no_application"},
}

# What is filled in with a task, where the first word of a choice or a plain text would not do.
FORMS = {
    "match_clause": {"clause": "Reward for above-scale investment"},
    "confirm_claim": {"amount": "120", "rating": 5},
    "close_support": {"rating": 5},
}

# Done at the very end, whenever they open.
LAST = {"dissolve_task_force", "full_capacity", "close_support"}


class Server:
    """Every call of a server, as its reflection describes them."""

    def __init__(self, address):
        self.address = address
        self.channel = grpc.insecure_channel(address)
        self.pool = descriptor_pool.DescriptorPool(
            ProtoReflectionDescriptorDatabase(self.channel)
        )

    def method(self, path):
        service, name = path.split("/")
        described = self.pool.FindServiceByName(f"sanbang.v1.{service}")
        return described.methods_by_name[name]

    def prepared(self, path, fields):
        described = self.method(path)
        request = message_factory.GetMessageClass(described.input_type)()
        json_format.ParseDict(fields, request)
        answer = message_factory.GetMessageClass(described.output_type)
        return request, request.__class__.SerializeToString, answer.FromString

    def call(self, path, actor, **fields):
        request, serialize, deserialize = self.prepared(path, fields)
        call = self.channel.unary_unary(f"/sanbang.v1.{path}", serialize, deserialize)
        answer = call(request, metadata=[("sanbang-actor", actor)], timeout=30)
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def stream(self, path, actor, **fields):
        """Answers of a stream on a connection of its own; closing it breaks the connection off."""
        request, serialize, deserialize = self.prepared(path, fields)
        with grpc.insecure_channel(self.address) as channel:
            call = channel.unary_stream(f"/sanbang.v1.{path}", serialize, deserialize)
            for answer in call(request, metadata=[("sanbang-actor", actor)]):
                yield json_format.MessageToDict(answer, preserving_proto_field_name=True)


def place(event):
    return event.get("partition", 0), int(event["seq"])


class Reader(threading.Thread):
    """Follows the events, a few messages per connection."""

    MESSAGES_PER_CONNECTION = 5

    def __init__(self, address):
        super().__init__(daemon=True)
        self.server = Server(address)
        self.events = []
        self.connections = 0
        self.failure = None

    def run(self):
        try:
            fields = {"start_at": "START_AT_BEGINNING"}
            while not any(event["kind"] == "instance.completed" for event in self.events):
                fields = {"resume_token": self.read_a_few(fields)}
        except Exception as failure:  # told by the main thread
            self.failure = failure

    def read_a_few(self, fields):
        self.connections += 1
        stream = self.server.stream("EventService/Subscribe", "director", **fields)
        messages = 0
        for message in stream:
            token = message["resume_token"]
            self.events += message.get("events", [])
            messages += 1
            ended = any(event["kind"] == "instance.completed" for event in self.events)
            if ended or messages == self.MESSAGES_PER_CONNECTION:
                stream.close()
                return token
        raise RuntimeError("the stream ended by itself")


class Project:
    """One project and those who work on it."""

    def __init__(self, server):
        self.server = server
        self.requests = 0

    def command(self, path, actor, **fields):
        self.requests += 1
        request_id = f"{PROJECT}-{self.requests}"
        return self.server.call(path, actor, instance=PROJECT, request_id=request_id, **fields)

    def now(self):
        answer = self.server.call("InstanceService/Get", "director", instance=PROJECT)
        return answer["instance"]

    def open_tasks(self, kind, besides=()):
        tasks = [task for task in self.now().get("tasks", []) if "end" not in task]
        return [
            task
            for task in tasks
            if task["kind"] == kind and task["reference"]["id"] not in besides
        ]

    def begin(self):
        self.command(
            "InstanceService/Create",
            "coordinator_1",
            workflow="investment_project",
            fields={
                "project_name": "Cathode materials plant",
                "investor": "Northern Lake Materials",
                "industry": "new_energy_materials",
                "lead_source": "visit",
            },
        )

    def know(self, facts):
        if facts:
            self.command("InstanceService/UpdateFields", self.now()["steward"], changes=facts)

    def work(self, besides=LAST):
        """Does everything that can be done, and lets fixed periods pass."""
        while True:
            tasks = self.open_tasks("TASK_KIND_HUMAN", besides)
            if tasks:
                self.finish(tasks[0])
            elif self.open_tasks("TASK_KIND_WAIT"):
                self.let_the_next_period_pass()
            else:
                return

    def finish(self, task):
        number = task["reference"]["number"]
        told = self.server.call("TaskService/Get", "director", instance=PROJECT, task=number)
        definition = told["definition"]
        actor = task["holder"]["member"] if "holder" in task else self.claimed(number)
        for item in definition.get("checklist", []):
            self.command("TaskService/Check", actor, task=number, item=item["id"], checked=True)
        self.command(
            "TaskService/Complete",
            actor,
            task=number,
            outcome=definition.get("outcomes", [""])[0],
            form=self.form(definition),
        )

    def form(self, definition):
        given = dict(FORMS.get(definition["id"], {}))
        for field in definition.get("form", []):
            if field.get("required") and field["id"] not in given:
                given[field["id"]] = {
                    "FIELD_KIND_TEXT": "as agreed",
                    "FIELD_KIND_INTEGER": 1,
                    "FIELD_KIND_DECIMAL": "1",
                    "FIELD_KIND_BOOLEAN": True,
                    "FIELD_KIND_DATE": "2025-02-25",
                    "FIELD_KIND_CHOICE": field.get("choices", [""])[0],
                }[field["kind"]]
        return given

    def claimed(self, number):
        """Somebody to whom the task was offered takes it."""
        fields = {"instance": PROJECT, "page_size": 1000}
        history = self.server.call("InstanceService/History", "director", **fields)
        for event in history["events"]:
            offered = event.get("task_offered")
            if offered and offered["task"]["number"] == number:
                actor = offered["candidates"][0]
                self.command("TaskService/Claim", actor, task=number)
                return actor
        raise RuntimeError(f"task {number} is held by nobody and was offered to nobody")

    def let_the_next_period_pass(self):
        clocks = [clock for clock in self.now()["clocks"] if clock["kind"] == "CLOCK_KIND_WAIT"]
        due = min(datetime.fromisoformat(clock["plan"]["due"]) for clock in clocks)
        later = (due + timedelta(seconds=1)).astimezone(timezone.utc)
        to = later.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.server.call("AdminService/AdvanceClock", "director", to=to)

    def advance(self, stage):
        self.command("InstanceService/Advance", "director", stage=stage)
        print("done:", stage)


def drive(server):
    project = Project(server)
    project.begin()
    while stage := project.now().get("path_stage"):
        if stage == "commissioning":
            project.command("InstanceService/OpenStage", "director", stage="policy_fulfilment")
        project.know(FACTS.get(stage, {}))
        project.work()
        if stage == "commissioning":
            project.advance("policy_fulfilment")
        project.advance(stage)
    project.work(besides={"full_capacity", "close_support"})
    project.advance("task_force")
    project.know({"full_capacity_on": "2026-09-10"})
    project.work(besides=())
    project.advance("on_site_support")
    return project.now()


def recorded(server):
    events, fields = [], {}
    while True:
        page = server.call("EventService/List", "director", page_size=1000, **fields)
        events += page.get("events", [])
        if page.get("end"):
            return events
        fields = {"page_token": page["next_page_token"]}


def by_stream(server):
    """Begins a second project by a stream: commands without waiting, many to a message."""
    project = f"{PROJECT}-streamed"
    fields = {
        "project_name": "Separator film plant",
        "investor": "Northern Lake Materials",
        "industry": "new_energy_materials",
        "lead_source": "visit",
    }
    create = {"instance": project, "workflow": "investment_project", "fields": fields}
    commands = [{"correlation": 1, "create": create}]
    for number in range(2, 102):
        comment = {"instance": project, "request_id": f"said-{number}", "text": f"word {number}"}
        commands.append({"correlation": number, "comment": comment})
    nobody = {"instance": "nobody-knows-it", "text": "hello"}
    commands.append({"correlation": 102, "comment": nobody})
    request = message_factory.GetMessageClass(server.method("InstanceService/Drive").input_type)
    answer = message_factory.GetMessageClass(server.method("InstanceService/Drive").output_type)

    def messages():
        for start in range(0, len(commands), 25):
            yield json_format.ParseDict({"commands": commands[start : start + 25]}, request())

    path = "/sanbang.v1.InstanceService/Drive"
    call = server.channel.stream_stream(path, request.SerializeToString, answer.FromString)
    metadata = [("sanbang-actor", "director")]
    answers = [each for message in call(messages(), metadata=metadata) for each in message.answers]
    accepted = [each for each in answers if each.HasField("accepted")]
    in_order = sorted(accepted, key=lambda each: each.correlation)
    assert [each.accepted.revision for each in in_order] == list(range(1, 102)), "out of order"
    refused = [each for each in answers if each.HasField("failure")]
    codes = [(each.correlation, each.failure.code) for each in refused]
    assert codes == [(102, grpc.StatusCode.NOT_FOUND.value[0])], codes
    print(f"by a stream: {len(accepted)} accepted, {len(refused)} refused")


def main():
    address = sys.argv[1]
    server = Server(address)
    reader = Reader(address)
    reader.start()
    ended = drive(server)
    reader.join(timeout=60)
    if reader.failure or reader.is_alive():
        raise SystemExit(f"the reader did not come to the end: {reader.failure}")

    passed = [state["stage"] for state in ended["stages"] if state["place"] == "STAGE_PLACE_CLOSED"]
    seen = [place(event) for event in reader.events]
    written = [place(event) for event in recorded(server)]
    assert len(set(seen)) == len(seen), "an event came twice"
    assert set(seen) == set(written), "an event is missing"
    assert reader.connections > 1, "the reader never came back"
    print(f"{ended['status']}: {len(passed)} stages")
    print("every event once, over several connections")
    by_stream(server)


main()
