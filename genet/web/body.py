"""Request bodies, read so that every bad field is found at once.

msgspec stops at the first error, and Litestar with it. Here each field is converted alone; the fields that are wrong
hold placeholders, so that the rules of the domain can be asked about all others before the answer goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

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

    def checked(self, more: Iterable[FieldError] = ()) -> T:
        """Raises Invalid unless every field is good and there is nothing `more` against the value."""
        if errors := (*self.errors, *more):
            raise Invalid("the request has fields that cannot be used", errors=errors)
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
                errors.append(_complaint(prefix + key, error))
        elif field.required:
            errors.append(FieldError(prefix + key, "required"))
        if field.required:
            values[field.name] = ""  # every required field is text
    return kind(**values)


def _value(value: Any, kind: Any, path: str, errors: list[FieldError]) -> Any:
    """Elements of a list are looked at one by one, unless there are more of them than there may be at all."""
    info = msgspec.inspect.type_info(kind)
    if not isinstance(info, msgspec.inspect.ListType) or not isinstance(value, list):
        return msgspec.convert(value, kind)
    if info.max_length is not None and len(value) > info.max_length:
        raise msgspec.ValidationError(f"Expected `array` of length <= {info.max_length}")
    before = len(errors)
    element_kind = get_args(get_args(kind)[0] if get_origin(kind) is Annotated else kind)[0]
    found = [
        _element(element, element_kind, info.item_type, f"{path}[{number}]", errors)
        for number, element in enumerate(value)
    ]
    return found if len(errors) > before else msgspec.convert(value, kind)


def _element(value: Any, kind: Any, info: msgspec.inspect.Type, path: str, errors: list[FieldError]) -> Any:
    """One of a list. One that is wrong stays in its place, so that what is said of the others names theirs."""
    if isinstance(info, msgspec.inspect.StructType) and isinstance(value, dict):
        return _struct(value, info.cls, path, errors)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        errors.append(_complaint(path, error))
    if isinstance(info, msgspec.inspect.StructType):
        return _struct({}, info.cls, path, [])
    return -1 if isinstance(info, msgspec.inspect.IntType) else ""


def _complaint(path: str, error: msgspec.ValidationError) -> FieldError:
    what, _, where = str(error).partition(" - at `$")
    return FieldError(path + where.rstrip("`"), what[:1].lower() + what[1:])


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
        if "Content-Type" not in self.asgi_connection.headers:
            # what a header announced the boundary has judged; over HTTP/2 a body may come unannounced
            raise ClientException("expected Content-Type: application/json", status_code=415)
        data = self.asgi_connection.route_handler.parsed_data_field
        return decode(value, data.inner_types[0].annotation)
