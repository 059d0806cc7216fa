"""What the warm worker uses of Prefect's private API is still there and still means the same.

One test for each name: when a release of Prefect changes one, the test with its name fails. What is optional is shown
to be so: without it the worker warns and leaves the matter to Prefect.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import prefect.flow_engine
import prefect.flows
import prefect.task_engine
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import AsyncClientContext
from prefect.events.worker import EventsWorker
from prefect.exceptions import ParameterTypeError, Pause
from prefect.flows import flow
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Cancelling, Crashed, Pending, Suspended
from prefect.workers.base import BaseJobConfiguration, BaseWorker

from deployments.warm_worker import WarmWorker, compat

# Attributes of a worker that has just been made, and what they are then.
ATTRIBUTES = {
    "_work_pool_name": "pool",
    "_work_queues": {"one", "two"},
    "_prefetch_seconds": 12.0,
    "_submitting_flow_run_ids": set(),
    "_has_successfully_synced": False,
    "_started_event": None,
}
COROUTINES = ("_sync_and_initialize", "_emit_worker_started_event", "_setup_cancellation_observer")


@pytest.fixture(autouse=True)
def _no_server() -> Iterator[None]:
    """None is needed, and none is to be started."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api", PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield


@pytest.fixture
def worker() -> WarmWorker:
    return WarmWorker("pool", work_queues=["one", "two"], prefetch_seconds=12.0)


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what is replaced in Prefect's modules."""
    for module, name in compat.OPTIONAL:
        monkeypatch.setattr(f"{module}.{name}", getattr(importlib.import_module(module), name))
    yield


def _loads(module: Any, name: str) -> bool:
    """Whether some function of the module looks the name up in it when it runs: only then can it be replaced there."""
    own = [value for value in vars(module).values() if inspect.isfunction(value) or inspect.isclass(value)]
    found = [value for value in own if value.__module__ == module.__name__]
    functions = [f for value in found for f in ([value] if inspect.isfunction(value) else vars(value).values())]
    return any(name in inspect.unwrap(f).__code__.co_names for f in functions if inspect.isfunction(f))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_worker_has(worker: WarmWorker, name: str) -> None:
    assert getattr(worker, name) == ATTRIBUTES[name]


@pytest.mark.parametrize("name", COROUTINES)
def test_a_worker_can(name: str) -> None:
    method = getattr(BaseWorker, name)
    assert inspect.iscoroutinefunction(method)
    assert list(inspect.signature(method).parameters) == ["self"]


def test_last_polled_time_is_what_the_health_check_reads(worker: WarmWorker) -> None:
    """`_last_polled_time`."""
    worker._last_polled_time = worker._last_polled_time.replace(year=2000)
    assert not worker.is_worker_still_polling(query_interval_seconds=10)
    worker._internals.note_poll()
    assert worker.is_worker_still_polling(query_interval_seconds=10)


async def test_the_cancellation_observer_is_set_up_by_a_method_of_the_worker(worker: WarmWorker) -> None:
    """`_setup_cancellation_observer`: called by name at the first sync, so an attribute of the instance stands in."""
    assert "_setup_cancellation_observer" in BaseWorker._initialize_after_sync.__code__.co_names
    assert await worker._setup_cancellation_observer() is None
    assert "_setup_cancellation_observer" in vars(worker)


def test_the_emitted_event_of_the_start_is_followed_by_that_of_the_end() -> None:
    """`_started_event`."""
    assert any("_started_event" in f.__code__.co_names for f in vars(BaseWorker).values() if inspect.isfunction(f))


def test_base_environment_is_a_class_method_of_the_job_configuration() -> None:
    """`BaseJobConfiguration._base_environment`, which is rendered once and not for every run."""
    method = inspect.getattr_static(BaseJobConfiguration, "_base_environment")
    assert isinstance(method, classmethod)
    assert "_base_environment" in BaseJobConfiguration.prepare_for_flow_run.__code__.co_names


def test_observe_flow_run_suspension_is_looked_up_by_the_flow_engine(patched: None) -> None:
    module, name = compat.SUSPENSION_OBSERVER
    assert _loads(prefect.flow_engine, name)
    compat.replace_suspension_observer()
    with prefect.flow_engine.observe_flow_run_suspension(uuid4(), anything="else"):
        pass
    assert getattr(importlib.import_module(module), name) is compat._no_observer


def test_validated_function_is_made_once_for_a_flow_and_validates_each_run(patched: None) -> None:
    """`ValidatedFunction` is looked up when a run's parameters are validated, and keeps nothing of a run."""
    assert "ValidatedFunction" in prefect.flows.Flow.validate_parameters.__code__.co_names
    made, make = [], prefect.flows.ValidatedFunction
    prefect.flows.ValidatedFunction = lambda function, **others: made.append(function) or make(function, **others)
    compat.keep_parameters_models()

    @flow
    def first(number: int, words: list[str] | None = None) -> None: ...

    @flow
    def second(number: str = "7") -> None: ...

    assert first.validate_parameters({"number": "3", "words": ["a"]}) == {"number": 3, "words": ["a"]}
    assert first.validate_parameters({"number": "4"}) == {"number": 4, "words": None}
    with pytest.raises(ParameterTypeError, match="number"):
        first.validate_parameters({"number": "many"})
    assert second.validate_parameters({}) == {"number": "7"}
    assert first.validate_parameters({"number": 5}) == {"number": 5, "words": None}
    assert made == [first.fn, second.fn]


def test_mark_flow_run_suspension_requested_ends_the_run_at_its_next_step() -> None:
    """The request is what tasks and sub-flows look at."""
    suspension = importlib.import_module(compat.SUSPENSION_REQUEST[0])
    request, run_id = suspension.FlowRunSuspensionRequest(), uuid4()
    with suspension.register_flow_run_suspension_request(run_id, request):
        request.raise_if_requested()
        compat.request_suspension(run_id, Suspended())
        with pytest.raises(Pause):
            request.raise_if_requested()


def test_emit_task_run_state_change_event_is_looked_up_by_the_task_engine(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of all states but a first Pending without tags."""
    module, name = compat.TASK_RUN_EVENT
    assert _loads(prefect.task_engine, name)
    original = getattr(prefect.task_engine, name)
    expected = {"task_run", "initial_state", "validated_state", "follows"}
    assert set(inspect.signature(original).parameters) == expected
    told: list[State[Any]] = []

    def emit(*, task_run: Any, initial_state: Any, validated_state: State[Any], follows: Any = None) -> None:
        told.append(validated_state)

    monkeypatch.setattr(f"{module}.{name}", emit)
    compat.skip_pending_event()
    plain, tagged = (type("TaskRun", (), {"tags": tags})() for tags in ([], ["limited"]))
    pending, later = Pending(), Crashed()
    for task_run, before, after in ((plain, None, pending), (tagged, None, pending), (plain, pending, later)):
        prefect.task_engine.emit_task_run_state_change_event(
            task_run=task_run, initial_state=before, validated_state=after, follows=None
        )
    assert told == [pending, later]


@pytest.mark.parametrize("state", [Cancelling(), Crashed()], ids=["cancelling", "crashed"])
async def test_hook_runner_runs_a_flows_hooks(state: State[Any]) -> None:
    """`prefect.runner._hook_runner.HookRunner`."""
    seen: list[Any] = []

    def note(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:
        seen.append((flow_run.id, state.type))

    @flow(on_cancellation=[note], on_crashed=[note])
    def hooked() -> None:
        pass

    flow_run = FlowRun(flow_id=uuid4())
    await compat.run_hooks(hooked, flow_run, state)
    assert seen == [(flow_run.id, state.type)]


@pytest.mark.parametrize("service", [EventsWorker, APILogWorker])
def test_drain_all_sends_what_is_left(service: Any) -> None:
    assert "timeout" in inspect.signature(service.drain_all).parameters
    compat.send_remaining(1.0)


def test_a_client_context_enters_the_client_that_it_has() -> None:
    """`AsyncClientContext.client` can be set before it is entered, and its client knows the server's type."""
    context = AsyncClientContext()
    assert context.client.server_type is not None
    context.client = other = type("OwnClient", (type(context.client),), {})(str(context.client.api_url))
    assert context.client is other
    assert "client" in AsyncClientContext.__aenter__.__code__.co_names


@pytest.mark.parametrize(("module", "name"), compat.OPTIONAL, ids=[name for _, name in compat.OPTIONAL])
def test_without_what_is_optional_prefects_own_way_is_used(
    patched: None, module: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = [one for one in compat.OPTIONAL if one != (module, name)]
    before = {one: getattr(importlib.import_module(one[0]), one[1]) for one in others}
    monkeypatch.delattr(f"{module}.{name}")
    logging.getLogger("prefect").addHandler(caplog.handler)
    try:
        compat.replace_suspension_observer()
        compat.skip_pending_event()
        compat.keep_parameters_models()
        compat.request_suspension(uuid4(), Suspended())
    finally:
        logging.getLogger("prefect").removeHandler(caplog.handler)
    assert f"no {module}.{name} any more" in caplog.text
    if (module, name) in (compat.SUSPENSION_OBSERVER, compat.SUSPENSION_REQUEST):
        assert getattr(importlib.import_module(compat.SUSPENSION_OBSERVER[0]), "observe_flow_run_suspension", None) in (
            None,
            before.get(compat.SUSPENSION_OBSERVER),
        )
