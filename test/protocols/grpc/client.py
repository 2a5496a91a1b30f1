"""A client made by nobody here: Debian's python3-grpcio, which learns the services by reflection alone."""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

target, key = sys.argv[1:3]
channel = grpc.insecure_channel(target)
pool = descriptor_pool.DescriptorPool()
for name in ("google/protobuf/empty.proto", "google/protobuf/timestamp.proto", "google/protobuf/struct.proto"):
    __import__(name[:-6].replace("/", ".") + "_pb2")


def field(number, text):
    data = text.encode()
    return bytes([number << 3 | 2, len(data)]) + data


def fields_of(data):
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        value, position = varint(data, position)
        if tag & 7 == 2:
            value, position = data[position:position + value], position + value
        yield tag >> 3, value


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def reflect(version, request):
    call = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
    return dict(fields_of(next(call(iter([request])))))


def learn(symbol):
    found = reflect("v1", field(4, symbol))
    files = {}
    for _, data in fields_of(found[4]):
        file = descriptor_pb2.FileDescriptorProto.FromString(data)
        files[file.name] = file

    def add(name):
        file = files.pop(name, None)
        if file is None:
            return
        for dependency in file.dependency:
            add(dependency)
        pool.Add(file)

    for name in list(files):
        add(name)


services = {version: [bytes(dict(fields_of(each))[1]).decode() for _, each in fields_of(reflect(version, field(7, "*"))[6])]
            for version in ("v1", "v1alpha")}
learn("septet.v1.UsersService")
service = pool.FindServiceByName("septet.v1.UsersService")
factory = message_factory.MessageFactory(pool)


def call(method, request, metadata=(), **more):
    found = service.FindMethodByName(method)
    message = json_format.ParseDict(request, factory.GetPrototype(found.input_type)())
    output = factory.GetPrototype(found.output_type)
    stub = channel.unary_unary(
        f"/{service.full_name}/{method}", lambda each: each.SerializeToString(), output.FromString
    )
    try:
        answer, info = stub.with_call(message, metadata=[("x-api-key", key), *metadata], timeout=10, **more)
        told = dict(info.initial_metadata())
        return {"value": json_format.MessageToDict(answer), "etag": told.get("etag")}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}


def timed_out():
    wait = channel.unary_unary("/septet.v1.WaitingService/WaitAWhile")
    try:
        wait(bytes([8, 100 | 128, 2]), timeout=0.05)
    except grpc.RpcError as error:
        return error.code().name


health = channel.unary_unary("/grpc.health.v1.Health/Check")
print(json.dumps({
    "services": services,
    "health": list(health(b"")),
    "get": call("GetUser", {"id": 1}),
    "list": call("ListUsers", {"limit": 1, "sort": "LIST_USERS_REQUEST_SORT_NAME_DESC"}),
    "create": call("CreateUser", {"name": "Zoë", "email": "zoe@example.com"}, [("idempotency-key", "k")]),
    "again": call("CreateUser", {"name": "Zoë", "email": "zoe@example.com"}, [("idempotency-key", "k")]),
    "update": call("UpdateUser", {"id": 3, "name": "Z"}, [("if-match", '"1"')]),
    "stale": call("UpdateUser", {"id": 3, "name": "Y"}, [("if-match", '"1"')]),
    "invalid": call("CreateUser", {"name": "Zoë"}),
    "missing": call("GetUser", {"id": 99}),
    "gzip": call("GetUser", {"id": 1}, compression=grpc.Compression.Gzip),
    "delete": call("DeleteUser", {"id": 3}),
    "replace": call("ReplaceUser", {"id": 2, "name": "A", "email": "a@example.com"}),
    "find": call("FindUser", {"id": 2}),
    "deadline": timed_out(),
}))
