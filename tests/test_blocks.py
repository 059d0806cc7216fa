"""The blocks come back from a real Prefect server as they were saved, and a pipeline finds the model that it names."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect_aws import AwsCredentials
from prefect_aws.s3 import S3Bucket
from pydantic import SecretStr

from blocks import ExpenseDatabase, LlmParser, OcrEngine, ReceiptPipeline
from deployments.stack import Stack
from flows.domain.errors import ConfigurationError
from flows.pipeline import configuration


def model() -> LlmParser:
    return LlmParser(
        base_url="http://127.0.0.1:9/v1", api_key=SecretStr("sk-kept"), model="m-1", timeout_seconds=12.5, max_retries=4
    )


def settings_of(block: LlmParser) -> dict[str, object]:
    """Without what the server adds when it keeps a block."""
    return block.model_dump(include=set(LlmParser.model_fields))


def fresh_name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def pipeline(prefect_api: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReceiptPipeline]:
    """A saved pipeline of its own names, loaded afresh each time that a flow asks for it."""
    env = prefect_api.environment
    keys = AwsCredentials(
        aws_access_key_id=env["RECEIPTFLOW_S3_ACCESS_KEY"],
        aws_secret_access_key=SecretStr(env["RECEIPTFLOW_S3_SECRET_KEY"]),
        region_name="us-east-1",
    )
    names = {part: fresh_name(part) for part in ("keys", "inbox", "results", "ledger", "reading", "pipeline")}
    await keys.asave(names["keys"])
    for bucket in ("inbox", "results"):
        await S3Bucket(bucket_name=bucket, credentials=keys).asave(names[bucket])
    database, ocr = ExpenseDatabase(url=SecretStr(prefect_api.endpoints["ledger"])), OcrEngine()
    await database.asave(names["ledger"])
    await ocr.asave(names["reading"])
    block = ReceiptPipeline(inbox=names["inbox"], results=names["results"], database=database, ocr=ocr)
    await block.asave(names["pipeline"])
    monkeypatch.setattr(configuration, "PIPELINE_BLOCK", names["pipeline"])
    monkeypatch.setattr(configuration._Loaded, "pipeline", None)
    yield block
    configuration._Loaded.pipeline = None


async def load_now() -> configuration.Pipeline:
    configuration._Loaded.pipeline = None
    return await configuration.load_pipeline()


async def test_the_model_block_comes_back_with_its_secret(prefect_api: Stack) -> None:
    name = fresh_name("model")
    await model().asave(name)
    loaded: LlmParser = await LlmParser.aload(name)
    assert loaded.api_key.get_secret_value() == "sk-kept"
    assert settings_of(loaded) == settings_of(model())
    by_address = await Block.aload(f"llm-parser/{name}")
    assert isinstance(by_address, LlmParser)


async def test_the_models_key_is_a_secret_to_the_server(prefect_api: Stack) -> None:
    name = fresh_name("model")
    await model().asave(name)
    async with get_client() as client:
        document = await client.read_block_document_by_name(name, "llm-parser", include_secrets=False)
    assert document.data["model"] == "m-1"
    assert "sk-kept" not in str(document.data)


async def test_a_dump_of_prefects_database_holds_no_secret_of_a_block(prefect_api: Stack) -> None:
    await model().asave(fresh_name("model"))
    url = prefect_api.settings.database_url("prefect").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT row_to_json(block_document)::text FROM block_document").fetchall()
    assert rows and not [row for (row,) in rows if "sk-kept" in row]


async def test_a_pipeline_finds_the_model_that_it_names(pipeline: ReceiptPipeline) -> None:
    assert (await load_now()).llm is None
    name = fresh_name("model")
    await model().asave(name)
    pipeline.llm = name
    await pipeline.asave(configuration.PIPELINE_BLOCK, overwrite=True)
    assert (await load_now()).llm == configuration.endpoint_of(model())
    pipeline.llm = None
    await pipeline.asave(configuration.PIPELINE_BLOCK, overwrite=True)
    assert (await load_now()).llm is None


async def test_a_model_that_is_not_there_is_named(pipeline: ReceiptPipeline) -> None:
    pipeline.llm = fresh_name("nobody")
    await pipeline.asave(configuration.PIPELINE_BLOCK, overwrite=True)
    with pytest.raises(ConfigurationError, match=pipeline.llm):
        await load_now()


async def test_a_wrong_address_of_the_pages_is_named_and_a_right_one_is_used(pipeline: ReceiptPipeline) -> None:
    """Prefect's UI lets anything be typed into a block."""
    pipeline.public_url = "receipts.example"
    await pipeline.asave(configuration.PIPELINE_BLOCK, overwrite=True)
    with pytest.raises(ConfigurationError, match="public_url"):
        await load_now()
    pipeline.public_url = "https://receipts.example"
    await pipeline.asave(configuration.PIPELINE_BLOCK, overwrite=True)
    assert (await load_now()).public_url == "https://receipts.example"


async def test_a_pipeline_that_an_older_release_saved_has_no_address(pipeline: ReceiptPipeline) -> None:
    async with get_client() as client:
        document = await client.read_block_document_by_name(configuration.PIPELINE_BLOCK, "receipt-pipeline")
        older = {name: value for name, value in pipeline._to_block_document().data.items() if name != "public_url"}
        change = BlockDocumentUpdate(data=older, merge_existing_data=False)
        await client.update_block_document(document.id, change)
        kept = await client.read_block_document_by_name(configuration.PIPELINE_BLOCK, "receipt-pipeline")
    assert "public_url" not in kept.data
    assert (await load_now()).public_url == ""


async def test_a_block_that_nests_the_model_is_saved_and_loaded(prefect_api: Stack) -> None:
    """What the pipeline avoids for buckets works for this block: none of its fields is a union of blocks."""

    class NestingModel(Block):
        _block_type_slug = "receiptflow-test-nesting-model"
        llm: LlmParser | None = None

    inner, outer, plain = fresh_name("model"), fresh_name("outer"), fresh_name("plain")
    saved = model()
    await saved.asave(inner)
    await NestingModel(llm=saved).asave(outer)
    await NestingModel(llm=model()).asave(plain)
    for name in (outer, plain):
        loaded = await NestingModel.aload(name)
        assert loaded.llm is not None
        assert settings_of(loaded.llm) == settings_of(model())
