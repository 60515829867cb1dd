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
    errors: list[FieldError] = []
    return Body(_struct(document, kind, "", errors), tuple(errors))


def _struct(document: dict[str, Any], kind: type[T], path: str, errors: list[FieldError]) -> T:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    prefix = f"{path}." if path else ""
    errors.extend(FieldError(prefix + (key or '""'), "no such field") for key in document if key not in fields)
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if key in document:
            try:
                values[field.name] = _value(document[key], field.type, prefix + key, errors)
                continue
            except msgspec.ValidationError as error:
                what, _, where = str(error).partition(" - at `$")
                errors.append(FieldError(prefix + key + where.rstrip("`"), what[:1].lower() + what[1:]))
        elif field.required:
            errors.append(FieldError(prefix + key, "required"))
        if field.required:
            values[field.name] = ""  # every required field is text
    return kind(**values)


def _value(value: Any, kind: Any, path: str, errors: list[FieldError]) -> Any:
    element_type = _struct_in_list(kind)
    if element_type is not None and isinstance(value, list) and all(isinstance(element, dict) for element in value):
        before = len(errors)
        found = [_struct(element, element_type, f"{path}[{n}]", errors) for n, element in enumerate(value)]
        if len(errors) > before:
            return found
    return msgspec.convert(value, kind)


def _struct_in_list(kind: Any) -> type[msgspec.Struct] | None:
    """The Struct of which a field holds any number, whose elements are then looked at one by one."""
    info = msgspec.inspect.type_info(kind)
    item = info.item_type if isinstance(info, msgspec.inspect.ListType) else None
    return item.cls if isinstance(item, msgspec.inspect.StructType) else None


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
        raise NotImplementedError  # asked only by what create_for_field_definition leaves out

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        raise NotImplementedError  # as above

    def decode_bytes(self, value: bytes) -> Body[Any]:
        data = self.asgi_connection.route_handler.parsed_data_field
        return decode(value, data.inner_types[0].annotation)
