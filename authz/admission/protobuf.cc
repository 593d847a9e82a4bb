// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/protobuf.h"

#include "authz/admission/scalars.h"
#include "base/limits.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace gh::authz::admission {
namespace {

constexpr std::string_view magic{"k8s\0", 4};

// https://protobuf.dev/programming-guides/encoding
enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t varint = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  explicit WireReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  std::optional<WireField> next() {
    const auto tag = take_varint();
    if (!tag || *tag > UINT32_MAX || *tag >> 3 == 0) return std::nullopt;
    WireField field;
    field.number = static_cast<std::uint32_t>(*tag >> 3);
    switch (*tag & 7) {
      case 0: {
        const auto value = take_varint();
        if (!value) return std::nullopt;
        field.varint = *value;
        return field;
      }
      case 1:
        field.wire = Wire::fixed64;
        return take_bytes(8, field);
      case 2: {
        field.wire = Wire::bytes;
        const auto size = take_varint();
        if (!size) return std::nullopt;
        return take_bytes(*size, field);
      }
      case 5:
        field.wire = Wire::fixed32;
        return take_bytes(4, field);
      default:  // groups (3, 4) and what no protobuf has
        return std::nullopt;
    }
  }

 private:
  std::optional<WireField> take_bytes(std::uint64_t size, WireField& field) {
    if (size > rest_.size()) return std::nullopt;
    field.bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return field;
  }

  std::optional<std::uint64_t> take_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return std::nullopt;
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

auto broken() { return fail(std::string("it is not a protobuf message of that kind")); }

const Field* field_numbered(const Message& message, std::uint32_t number) {
  for (const Field& field : message.fields) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

class MessageReader {
 public:
  // Reads into `object`, which may hold an earlier occurrence's fields.
  Result<void, std::string> read(
      std::string_view bytes, const Message& message, Members& object, std::size_t depth
  ) {
    if (depth > limits::admission_depth_max) return fail(std::string("it is nested too deeply"));
    WireReader reader(bytes);
    while (!reader.at_end()) {
      const auto wire = reader.next();
      if (!wire) return broken();
      const Field* const field = field_numbered(message, wire->number);
      if (field == nullptr) continue;
      if (++values_ > limits::admission_values_max) {
        return fail(std::string("it holds too many values"));
      }
      GH_TRY_VOID(read_field(*wire, *field, object, depth));
    }
    return {};
  }

 private:
  Result<void, std::string> read_field(
      const WireField& wire, const Field& field, Members& object, std::size_t depth
  ) {
    if (field.shape == Shape::inlined) {
      if (wire.wire != Wire::bytes) return broken();
      return read(wire.bytes, *field.message, object, depth + 1);
    }
    Value& value = object.try_emplace(std::string(field.name)).first->second;
    switch (field.shape) {
      case Shape::single:
      case Shape::pointer:
        return read_one(wire, field, value, depth);
      case Shape::list:
      case Shape::set_list:
        if (value.items() == nullptr) value = Value{Items()};
        value.items()->emplace_back();
        return read_one(wire, field, value.items()->back(), depth);
      case Shape::map:
        if (value.members() == nullptr) value = Value{Members()};
        return read_entry(wire, field, *value.members(), depth);
      case Shape::inlined:
        break;
    }
    return broken();
  }

  // A map's entry: {key = 1, value = 2}; either may be missing.
  Result<void, std::string> read_entry(
      const WireField& wire, const Field& field, Members& map, std::size_t depth
  ) {
    if (wire.wire != Wire::bytes) return broken();
    WireReader reader(wire.bytes);
    std::string_view key;
    Value value{std::string(field.kind == Kind::quantity ? "0" : "")};
    while (!reader.at_end()) {
      const auto part = reader.next();
      if (!part) return broken();
      if (part->number == 1) {
        if (part->wire != Wire::bytes) return broken();
        key = part->bytes;
      } else if (part->number == 2) {
        GH_TRY_VOID(read_one(*part, field, value, depth));
      }
    }
    map.insert_or_assign(std::string(key), std::move(value));
    return {};
  }

  Result<void, std::string> read_one(
      const WireField& wire, const Field& field, Value& value, std::size_t depth
  ) {
    const bool is_number = field.kind == Kind::boolean || field.kind == Kind::integer;
    if (wire.wire != (is_number ? Wire::varint : Wire::bytes)) return broken();
    switch (field.kind) {
      case Kind::boolean:
        value = Value{wire.varint != 0};
        return {};
      case Kind::integer:
        value = Value{Number{std::to_string(static_cast<std::int64_t>(wire.varint)), true}};
        return {};
      case Kind::text:
      case Kind::bytes:
        value = Value{std::string(wire.bytes)};
        return {};
      case Kind::quantity:
        return read_quantity(wire.bytes, value);
      case Kind::time:
        return read_time(wire.bytes, value);
      case Kind::message:
        if (value.members() == nullptr) value = Value{Members()};
        return read(wire.bytes, *field.message, *value.members(), depth + 1);
    }
    return broken();
  }

  // resource.Quantity {string = 1}
  static Result<void, std::string> read_quantity(std::string_view bytes, Value& value) {
    WireReader reader(bytes);
    std::string_view text;
    while (!reader.at_end()) {
      const auto part = reader.next();
      if (!part || (part->number == 1 && part->wire != Wire::bytes)) return broken();
      if (part->number == 1) text = part->bytes;
    }
    auto quantity = canonical_quantity(text.empty() ? "0" : text);
    if (!quantity) return fail(std::string("it holds a quantity that is none"));
    value = Value{*std::move(quantity)};
    return {};
  }

  // metav1.Time {seconds = 1, nanos = 2}; nanos are not kept, and all zero is the zero time.
  static Result<void, std::string> read_time(std::string_view bytes, Value& value) {
    WireReader reader(bytes);
    std::uint64_t seconds = 0;
    std::uint64_t nanos = 0;
    while (!reader.at_end()) {
      const auto part = reader.next();
      if (!part || (part->number <= 2 && part->wire != Wire::varint)) return broken();
      if (part->number == 1) seconds = part->varint;
      if (part->number == 2) nanos = part->varint;
    }
    const bool zero = seconds == 0 && static_cast<std::uint32_t>(nanos) == 0;
    value = Value{zero ? std::string() : canonical_time(static_cast<long long>(seconds))};
    return {};
  }

  std::size_t values_ = 0;
};

// TypeMeta {apiVersion = 1, kind = 2}
Result<void, std::string> read_type(std::string_view bytes, Envelope& envelope) {
  WireReader reader(bytes);
  while (!reader.at_end()) {
    const auto part = reader.next();
    if (!part || (part->number <= 2 && part->wire != Wire::bytes)) return broken();
    if (part->number == 1) envelope.api_version = part->bytes;
    if (part->number == 2) envelope.kind = part->bytes;
  }
  return {};
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

void append_bytes(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_varint(out, number << 3 | static_cast<std::uint32_t>(Wire::bytes));
  append_varint(out, bytes.size());
  out += bytes;
}

}  // namespace

Result<Envelope, std::string> open_envelope(std::string_view body) {
  if (!body.starts_with(magic)) {
    return fail(std::string("it does not begin as Kubernetes' protobuf does"));
  }
  WireReader reader(body.substr(magic.size()));
  if (reader.at_end()) return fail(std::string("it is empty"));
  Envelope envelope;
  while (!reader.at_end()) {
    const auto part = reader.next();
    if (!part || (part->number <= 4 && part->wire != Wire::bytes)) return broken();
    if (part->number == 1) GH_TRY_VOID(read_type(part->bytes, envelope));
    if (part->number == 2) envelope.raw = part->bytes;
  }
  return envelope;
}

Result<Members, std::string> read_protobuf(std::string_view message_bytes, const Message& message) {
  Members object;
  GH_TRY_VOID(MessageReader().read(message_bytes, message, object, 0));
  drop_zero_values(object, message);
  return object;
}

std::string with_resource_version(const Envelope& envelope, std::string_view version) {
  std::string metadata;
  append_bytes(metadata, 6, version);
  std::string raw(envelope.raw);
  append_bytes(raw, 1, metadata);
  std::string type;
  append_bytes(type, 1, envelope.api_version);
  append_bytes(type, 2, envelope.kind);
  std::string out(magic);
  append_bytes(out, 1, type);
  append_bytes(out, 2, raw);
  return out;
}

}  // namespace gh::authz::admission
