// SPDX-License-Identifier: Apache-2.0
// The judges of `gatehouse conformance KIND FILE`: a file of vectors made by real Kubernetes code
// is judged through the code that serves. In: a file.   Out: each failing id with what was expected
// and what came, on `out`; the tally. A file that cannot be read or is of another format counts as
// one failure.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

namespace gh::conformance {

struct Tally {
  std::size_t passed = 0;
  std::size_t failed = 0;
  bool unusable = false;  // not a file of vectors of that kind
};

Tally judge_requestinfo(
    const std::string& file, std::ostream& out
);  // k8s-requestinfo/1, k8s-requestinfo-real/1
Tally judge_rbac(const std::string& file, std::ostream& out);           // k8s-rbac/1
Tally judge_headerrequest(const std::string& file, std::ostream& out);  // k8s-request-header/1
Tally judge_nodeauthz(const std::string& file, std::ostream& out);      // k8s-node-authorizer/1
Tally judge_noderestriction(
    const std::string& file, std::ostream& out
);  // k8s-noderestriction/1, k8s-noderestriction-patch/1
Tally judge_impersonation(const std::string& file, std::ostream& out);  // k8s-impersonation/1
Tally judge_tokens(const std::string& file, std::ostream& out);         // k8s-tokens/1
Tally judge_x509(const std::string& file, std::ostream& out);           // k8s-x509/1

}  // namespace gh::conformance
