// SPDX-License-Identifier: Apache-2.0
// Kubernetes Secrets in YAML or JSON → bootstrap tokens. In: a text (Secret, List, SecretList;
// several documents).   Out: those of kube-system that can authenticate somebody; a warning for
// each that looks like one and cannot; a fault for what is no Secret's form. Values are never told.
// Control only.
#pragma once

#include "authz/identity/tokens/bootstrap.h"
#include "base/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

class BootstrapLoader {
 public:
  // `file` stands in faults and warnings: "secrets.yaml:12".
  Outcome<void> add(std::string_view text, const std::string& file);

  Outcome<BootstrapTokens> finish();

  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class SecretReader;

  struct Found {
    BootstrapSecret secret;
    std::string where;
  };

  std::map<std::string, Found> secrets_;  // by name
  std::vector<std::string> warnings_;
};

}  // namespace gh::identity
