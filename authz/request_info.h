// SPDX-License-Identifier: Apache-2.0
// Method and request target → what is asked, exactly as Go's net/http and Kubernetes' RequestInfo
// see it (v1.36). In: the method and the target byte for byte as sent.   Out: Attributes,
// selectors, long_running(); or why the API server itself would not come to authorization. Owner:
// an exchange (one core). Reused: parse() on a warm object allocates nothing. Not movable: the
// views point inside. Not here: who asks (identity/), whether it is allowed (rbac/), the 403 text
// (forbidden.h).
#pragma once

#include "authz/attributes.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz {

enum class TargetError : std::uint8_t {
  bad_request,       // Go's HTTP server answers 400 by itself (over HTTP/2: PROTOCOL_ERROR on the
                     // stream)
  options_asterisk,  // `OPTIONS *`: Go's HTTP server answers 200 with no body by itself
  unfinished_verb,   // `…/watch` or `…/proxy` with nothing after it: 500 with
                     // unfinished_verb_body(), before authentication
};
std::string_view name_of(TargetError error);

struct ListQuery;

class RequestInfo {
 public:
  RequestInfo() = default;
  RequestInfo(const RequestInfo&) = delete;
  RequestInfo& operator=(const RequestInfo&) = delete;

  // After an error the attributes are what was known before it (Kubernetes fills them so); they are
  // for logs only.
  Result<void, TargetError> parse(std::string_view method, std::string_view target) noexcept;

  const Attributes& attributes() const noexcept { return attributes_; }

  std::string_view api_prefix() const noexcept { return api_prefix_; }

  // The path from the resource on, "pods/p1/status"; parts() is the same split at each slash.
  std::string_view parts_text() const noexcept { return parts_text_; }

  std::vector<std::string_view> parts() const;

  // As given, for list, watch and deletecollection only; selectors.h reads them.
  std::string_view field_selector() const noexcept { return field_selector_; }

  std::string_view label_selector() const noexcept { return label_selector_; }

  // No timeout applies: watch, proxy, exec, attach, portforward, log, profiles.
  bool long_running() const noexcept;
  // GET (or any verb but create) on exec, attach or portforward of a pod: since 1.35
  // (AuthorizePodWebsocketUpgradeCreatePermission) the API server asks for `create` too: decide
  // again with attributes().with_verb("create"); refused, the answer is upgrade_forbidden().
  bool needs_create_too() const noexcept;

 private:
  void clear() noexcept;
  Result<void, TargetError> read_resource_path(
      std::string_view method, std::string_view resource_verb
  ) noexcept;
  void read_list_options() noexcept;
  void read_query(ListQuery& query) noexcept;
  std::string_view decoded(std::string_view value) noexcept;
  std::string_view keep(std::string_view text) noexcept;

  std::string arena_;   // the target's path decoded, then the raw query
  std::string values_;  // decoded query values and an unusual method in lower case; never grows
                        // past what parse() reserved
  std::string_view raw_query_;
  Attributes attributes_;
  std::string_view api_prefix_;
  std::string_view parts_text_;
  std::string_view field_selector_;
  std::string_view label_selector_;
};

// The text/plain body of the API server's 500 for TargetError::unfinished_verb, with its newline.
std::string unfinished_verb_body(std::string_view method, std::string_view target);
// The error inside it.
std::string unfinished_verb_text(std::string_view method, std::string_view target);

}  // namespace gh::authz
