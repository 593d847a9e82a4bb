// SPDX-License-Identifier: Apache-2.0
// Any method and target (separated by the first space): parsed the same by a fresh and a used
// RequestInfo, and, for a plain path, by the slow road of go_url.cc. The messages that may follow
// are built too.
#include "authz/forbidden.h"
#include "authz/go_url.h"
#include "authz/request_info.h"
#include "authz/selectors.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::authz;

namespace {

void check_same(const RequestInfo& a, const RequestInfo& b) {
  const Attributes& x = a.attributes();
  const Attributes& y = b.attributes();
  GH_ASSERT(x.resource_request == y.resource_request && x.verb == y.verb && x.path == y.path);
  GH_ASSERT(
      x.api_group == y.api_group && x.api_version == y.api_version && x.namespace_ == y.namespace_
  );
  GH_ASSERT(x.resource == y.resource && x.subresource == y.subresource && x.name == y.name);
  GH_ASSERT(a.field_selector() == b.field_selector() && a.label_selector() == b.label_selector());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t space = text.find(' ');
  const std::string_view method = text.substr(0, space);
  const std::string_view target =
      space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  static RequestInfo used;
  RequestInfo fresh;
  const auto first = used.parse(method, target);
  const auto again = fresh.parse(method, target);
  GH_ASSERT(first.has_value() == again.has_value() && (first || first.error() == again.error()));
  check_same(used, fresh);
  const auto url = go_request_url(method, target);
  const bool refused = !first && first.error() == TargetError::bad_request;
  GH_ASSERT(refused == !url.has_value());
  if (!url) return 0;
  if (first) GH_ASSERT(url->path == used.attributes().path);
  if (!first) static_cast<void>(unfinished_verb_body(method, target));
  static_cast<void>(forbidden_message(target, used.attributes(), method));
  static_cast<void>(used.long_running());
  static_cast<void>(used.parts());
  // The two readings of a selector, with and without words for what is wrong, agree.
  GH_ASSERT(parse_label_selector(target).has_value() == label_selector_parses(target));
  std::string values;
  const auto named = read_metadata_name(target, values);
  const auto fields = parse_field_selector(target);
  GH_ASSERT(fields.has_value() == named.parses);
  if (fields) {
    const SelectorRequirement* wanted = nullptr;
    for (const auto& each : *fields) {
      if (wanted == nullptr && each.key == "metadata.name" && each.op == "=") wanted = &each;
    }
    GH_ASSERT((wanted != nullptr) == named.name.has_value());
    GH_ASSERT(wanted == nullptr || wanted->values[0] == *named.name);
  }
  return 0;
}
