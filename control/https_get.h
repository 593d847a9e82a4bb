// SPDX-License-Identifier: Apache-2.0
// One GET over https, blocking: for a thread of control that may wait, never for a worker.
// In: a URL, the authorities to trust.   Out: the body of a 200, at most oidc_answer_bytes_max
// long; else a Fault without the body. Redirects are followed to https only. Wraps libcurl.
#pragma once

#include "base/result.h"

#include <atomic>
#include <string>

namespace gh::control {

// `ca_pem` empty: the system's authorities. `stop` becoming true ends the wait.
Outcome<std::string> https_get(
    const std::string& url, const std::string& ca_pem, const std::atomic<bool>& stop
);

}  // namespace gh::control
