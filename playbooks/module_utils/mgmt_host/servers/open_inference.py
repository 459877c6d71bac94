"""Open Inference Protocol v2 tensors: JSON to arrays and back, with errors that name the tensor.

Source: Open Inference Protocol, REST, version 2.
"""

from __future__ import annotations

from typing import Any

from ..proving.gates import flatten

TYPES = {
    "tensor(bool)": ("BOOL", "bool"),
    "tensor(uint8)": ("UINT8", "uint8"),
    "tensor(uint16)": ("UINT16", "uint16"),
    "tensor(uint32)": ("UINT32", "uint32"),
    "tensor(uint64)": ("UINT64", "uint64"),
    "tensor(int8)": ("INT8", "int8"),
    "tensor(int16)": ("INT16", "int16"),
    "tensor(int32)": ("INT32", "int32"),
    "tensor(int64)": ("INT64", "int64"),
    "tensor(float16)": ("FP16", "float16"),
    "tensor(float)": ("FP32", "float32"),
    "tensor(double)": ("FP64", "float64"),
    "tensor(string)": ("BYTES", "object"),
}
"""ONNX type -> protocol's datatype and numpy's."""


class RequestError(ValueError):
    """The request is not one for this model; the message names the tensor."""


def describe(tensors: list[Any]) -> list[dict[str, Any]]:
    """Return the metadata of a session's inputs or outputs; unknown dimensions are -1."""
    return [
        {
            "name": tensor.name,
            "datatype": TYPES.get(tensor.type, ("FP32", ""))[0],
            "shape": [size if isinstance(size, int) else -1 for size in tensor.shape or []],
        }
        for tensor in tensors
    ]


def parse_inputs(body: Any, tensors: list[Any], numpy: Any) -> dict[str, Any]:
    """Return input name -> array for a request's body.

    Args:
        body: Parsed JSON.
        tensors: The session's inputs.
        numpy: The module, which only the model server's environment has.

    Raises:
        RequestError: Not what the model takes.
    """
    given = _by_name(body)
    expected = {tensor.name: tensor for tensor in tensors}
    unknown = sorted(set(given) - set(expected))
    if unknown:
        raise RequestError("input {!r} is unknown; the model takes {}".format(unknown[0], ", ".join(expected)))
    missing = [name for name in expected if name not in given]
    if missing:
        raise RequestError("input {!r} is missing".format(missing[0]))
    return {name: _array(given[name], tensor, numpy) for name, tensor in expected.items()}


def wanted_outputs(body: Any, tensors: list[Any]) -> list[str]:
    """Return the names of the outputs that a request asks for; all when it names none.

    Raises:
        RequestError: The model has no such output.
    """
    names = [tensor.name for tensor in tensors]
    asked = body.get("outputs") or []
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise RequestError("outputs must be a list of objects with a name")
    wanted = [str(one.get("name")) for one in asked]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise RequestError("output {!r} is unknown; the model gives {}".format(unknown[0], ", ".join(names)))
    return wanted or names


def render_output(name: str, value: Any, numpy: Any) -> dict[str, Any]:
    """Return one output as the protocol has it; a list of class -> probability maps becomes a matrix."""
    if isinstance(value, list):
        value = numpy.array([[row[key] for key in row] for row in value], dtype="float32")
    datatypes = {kind: datatype for datatype, kind in TYPES.values()}
    return {
        "name": name,
        "datatype": datatypes.get(str(value.dtype), "BYTES"),
        "shape": list(value.shape),
        "data": value.ravel().tolist(),
    }


def _by_name(body: Any) -> dict[str, dict[str, Any]]:
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise RequestError("the body must be a JSON object with a list of inputs")
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in inputs):
        raise RequestError("each input must be an object with a name")
    if len({one["name"] for one in inputs}) != len(inputs):
        raise RequestError("an input is given twice")
    return {one["name"]: one for one in inputs}


def _array(given: dict[str, Any], tensor: Any, numpy: Any) -> Any:
    name = tensor.name
    datatype, kind = TYPES.get(tensor.type, ("", ""))
    if given.get("datatype") != datatype:
        raise RequestError("input {!r} must have datatype {}, not {}".format(name, datatype, given.get("datatype")))
    shape = given.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError("input {!r} needs a shape: a list of sizes".format(name))
    _check_shape(name, shape, tensor.shape or [])
    data = flatten(given.get("data"))
    count = 1
    for size in shape:
        count *= size
    if len(data) != count:
        raise RequestError("input {!r} has {} values, its shape wants {}".format(name, len(data), count))
    try:
        return numpy.array(data, dtype=kind).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError("input {!r} is not {}: {}".format(name, datatype, error)) from error


def _check_shape(name: str, shape: list[int], expected: list[Any]) -> None:
    fits = len(shape) == len(expected)
    fits = fits and all(not isinstance(size, int) or size in (-1, given) for given, size in zip(shape, expected))
    if not fits:
        wanted = [size if isinstance(size, int) else -1 for size in expected]
        raise RequestError("input {!r} must have shape {}, not {}".format(name, wanted, shape))
