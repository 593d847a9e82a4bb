// SPDX-License-Identifier: Apache-2.0
// An OIDC issuer on loopback: GETs over TLS, answered by path.
#pragma once

#include "tests/support/test_pki.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace gh::test {

class HttpsIssuer {
 public:
  explicit HttpsIssuer(const Issued& certificate);
  ~HttpsIssuer();
  HttpsIssuer(const HttpsIssuer&) = delete;
  HttpsIssuer& operator=(const HttpsIssuer&) = delete;

  std::string url() const;                                        // https://localhost:PORT
  void answer(const std::string& path, const std::string& body);  // others: 404

 private:
  struct State;
  void run();
  void serve(int fd);
  std::string response_to(const std::string& request);

  std::unique_ptr<State> state_;
  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace gh::test
