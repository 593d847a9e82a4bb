// SPDX-License-Identifier: Apache-2.0
// Header fields, one a line ("name:value"), after three bytes that choose who asks, what is allowed
// and which filter. An identity comes out only where each thing in it was allowed.
#include "authz/impersonation/impersonation.h"
#include "base/assert.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace {

using gh::authz::Attributes;
namespace impersonation = gh::authz::impersonation;
namespace identity = gh::identity;

struct Field {
  std::string name, value;
};

// Allows what a hash says.
class Chance final : public impersonation::Authorizer {
 public:
  explicit Chance(std::uint8_t seed) : seed_(seed) {}

  bool allows(const Attributes& what) noexcept override {
    const bool yes =
        seed_ == 255 || (hash(what.verb) ^ hash(what.resource) ^ hash(what.name) ^ seed_) % 4 != 0;
    allowed_any = allowed_any || yes;
    return yes;
  }

  std::string reason(const Attributes& what) noexcept override { return std::string(what.verb); }

  bool allowed_any = false;

 private:
  static std::size_t hash(std::string_view text) { return std::hash<std::string_view>()(text); }

  std::uint8_t seed_;
};

std::vector<Field> read_fields(std::string_view text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    Field field{
        std::string(line.substr(0, colon)),
        std::string(line.substr(std::min(colon + 1, line.size())))
    };
    for (char& c : field.name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    fields.push_back(std::move(field));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

identity::Identity requestor(std::uint8_t which) {
  identity::Identity who;
  who.user = (which & 1) != 0 ? "system:serviceaccount:a:b" : "alice";
  if ((which & 2) != 0)
    identity::add_extra(who.extra, "authentication.kubernetes.io/node-name", "n1");
  return who;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Kind = impersonation::Answer::Kind;
  if (size < 3) return 0;
  const auto fields =
      read_fields(std::string_view(reinterpret_cast<const char*>(data) + 3, size - 3));
  const identity::Identity who = requestor(data[0]);
  Attributes what;
  what.verb = "get";
  what.path = "/x";
  Chance authorizer(data[1]);
  impersonation::ModeMemory memory;
  const bool constrained = (data[2] & 1) != 0;
  const auto answer = impersonation::impersonate(
      fields, {who, what, authorizer}, {constrained, (data[2] & 2) != 0 ? &memory : nullptr}
  );
  if (!impersonation::wants(fields)) GH_ASSERT(answer.kind == Kind::not_requested);
  switch (answer.kind) {
    case Kind::not_requested:
      GH_ASSERT(impersonation::wanted(fields).user.empty());
      break;
    case Kind::refused:
      GH_ASSERT(answer.refusal.code == 400 || answer.refusal.code == 403);
      GH_ASSERT(!answer.refusal.message.empty() && answer.who == identity::Identity());
      break;
    case Kind::impersonated:
      GH_ASSERT(authorizer.allowed_any && !answer.who.user.empty());
      GH_ASSERT(answer.who.user == impersonation::wanted(fields).user);
      if (!answer.constraint.empty())
        GH_ASSERT(
            std::find(
                answer.who.groups.begin(), answer.who.groups.end(), identity::system_masters
            ) == answer.who.groups.end()
        );
      break;
  }
  return 0;
}
