// SPDX-License-Identifier: Apache-2.0
// May they: the authorizers of --authorization-mode, asked in order until one allows.
// In: a principal and what is asked.   Out: allow, deny, or that there is no policy yet; on demand
// the reason in Kubernetes' words (those of several authorizers, a line each, as its union has it).
// Owner: one core. deciding takes no lock and allocates nothing.
#pragma once

#include "authz/attributes.h"
#include "dataplane/worker/principal.h"
#include "dataplane/worker/worker.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::worker {

class Authorizer {
 public:
  enum class Verdict : std::uint8_t { deny, allow, not_ready };

  Authorizer(const Settings& settings, const Shared& shared)
      : settings_(settings), shared_(shared) {}

  // `field_selector`: as RequestInfo has it, raw.
  Verdict decide(Principal& who, const authz::Attributes& what, std::string_view field_selector)
      const noexcept;

  // Of the same verdict.
  std::string reason(Principal& who, const authz::Attributes& what, std::string_view field_selector)
      const;

 private:
  const Settings& settings_;
  const Shared& shared_;
};

}  // namespace gh::worker
