// SPDX-License-Identifier: Apache-2.0
// Which fields of Kubernetes' objects admission looks at: one table serves JSON, protobuf,
// strategic merge patches and comparison. In: a parsed JSON object, or protobuf bytes (protobuf.h).
// Out: the object in canonical form: known fields only, their types checked, zero values left out,
// pointers kept, equal values written alike. Two objects are semantically equal
// (apiequality.Semantic) when their canonical forms are ==. Pure. Source: k8s.io/api
// generated.proto and json tags, v1.36.
#pragma once

#include "authz/admission/value.h"
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gh::authz::admission {

enum class Kind : std::uint8_t { text, boolean, integer, bytes, quantity, time, message };

enum class Shape : std::uint8_t {
  single,    // absent and zero are the same
  pointer,   // absent and zero differ
  list,      // of any kind; a strategic merge patch replaces it
  set_list,  // a list that a strategic merge patch merges
  map,       // from text
  inlined,   // a message in protobuf whose fields are its parent's in JSON
};

struct Message;

struct Field {
  std::string_view name;  // in JSON
  std::uint32_t number;   // in protobuf
  Kind kind;
  Shape shape = Shape::single;
  const Message* message = nullptr;
};

struct Message {
  std::span<const Field> fields;
};

// What a body can hold. `unknown` (any other kind) has the metadata of every object.
const Message& schema_of(std::string_view kind);

// The field of that JSON name, also of an inlined message. Null: admission does not look at it.
const Field* field_named(const Message& message, std::string_view name);

// A JSON object → canonical form. The error names the field.
Result<Members, std::string> canonical(const Members& object, const Message& message);
// The defaults that Kubernetes fills in before admission, where they matter: a volume of no source
// is an emptyDir; a claim is of mode Filesystem and in phase Pending; serviceAccount of old
// clients.
void fill_defaults(Members& canonical, std::string_view kind);
// Leaves out what has its zero value.
void drop_zero_values(Members& object, const Message& message);

// The first path at which two canonical objects differ ("spec.volumeName"); empty: none.
std::string first_difference(const Members& one, const Members& other);

}  // namespace gh::authz::admission
