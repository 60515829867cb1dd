"""Request bodies, read so that every bad field is found at once.

msgspec stops at the first error, and Litestar with it. Here each field is converted alone; the fields that are wrong
hold placeholders, so that the rules of the domain can be asked about all others before the answer goes out.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.exceptions import ClientException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from genet.errors import FieldError, Invalid

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True)
class Body(Generic[T]):
    """A decoded body: `value` is good in every field that `errors` does not name."""

    value: T
    errors: tuple[FieldError, ...]

    def checked(self) -> T:
        """Raises Invalid unless every field is good."""
        if self.errors:
            raise Invalid("the request has fields that cannot be used", errors=self.errors)
        return self.value


def decode(raw: bytes, kind: type[T]) -> Body[T]:
    """Raises ClientException (400) for what is not JSON, Invalid for what is no object."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Invalid("the body must be a JSON object", errors=[FieldError("", "expected an object")])
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = [FieldError(key, "no such field") for key in document if key not in fields]
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if key not in document:
            if field.required:
                errors.append(FieldError(key, "required"))
                values[field.name] = _placeholder(field.type)
            continue
        try:
            values[field.name] = msgspec.convert(document[key], field.type)
        except msgspec.ValidationError as error:
            errors.append(_located(key, str(error)))
            if field.required:
                values[field.name] = _placeholder(field.type)
    return Body(kind(**values), tuple(errors))


def _placeholder(kind: Any) -> Any:
    return "" if msgspec.inspect.type_info(kind).__class__ is msgspec.inspect.StrType else None


def _located(key: str, message: str) -> FieldError:
    what, _, where = message.partition(" - at `$")
    return FieldError(key + where.rstrip("`"), what[:1].lower() + what[1:])


class BodyDTO(AbstractDTO[Any]):
    """Gives handlers that take `data: Body[Something]` a decoded body, and the OpenAPI page the schema of Something."""

    @classmethod
    def create_for_field_definition(cls, *_args: Any, **_kwargs: Any) -> None:
        """Nothing is prepared: the handler's own annotation says all."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        del handler_id
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition.inner_types[0])
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        raise NotImplementedError

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        raise NotImplementedError

    def decode_bytes(self, value: bytes) -> Body[Any]:
        data = self.asgi_connection.route_handler.parsed_data_field
        return decode(value, data.inner_types[0].annotation)
