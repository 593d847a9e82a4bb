// SPDX-License-Identifier: Apache-2.0
// Requests of nodes on their way through NodeRestriction: the body is read whole, what the question
// needs is fetched from an API server, then the verdict.
// In: exchanges that authorization allowed.   Out: Waiting::on_admitted, or a refusal answered.
// Owner: one core. Bounds: limits::admission_*.
#pragma once

#include "authz/admission/admit.h"
#include "authz/request_info.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/side_request.h"
#include "dataplane/worker/authorizer.h"
#include "dataplane/worker/principal.h"

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace gh::worker {

class Admission final : proxy::SideRequest::Asker {
 public:
  class Waiting {
   public:
    virtual void on_admitted(proxy::Exchange& exchange) noexcept = 0;
    virtual void on_not_admitted(
        proxy::Exchange& exchange, const authz::admission::Refusal& why
    ) noexcept = 0;

   protected:
    ~Waiting() = default;
  };

  Admission(proxy::ExchangeHost& host, const Authorizer& authorizer, Waiting& waiting)
      : host_(host), authorizer_(authorizer), waiting_(waiting) {}

  static bool applies(const Principal& who, const authz::Attributes& what) noexcept {
    return who.node().is_node &&
           authz::admission::applies(who.identity(), what) != authz::admission::Applies::no;
  }

  // The answer may come before it returns.
  void begin(proxy::Exchange& exchange, const PrincipalRef& who, const authz::Attributes& what);
  void on_collected(proxy::Exchange& exchange, proxy::ExchangeHost::Collected what) noexcept;
  void forget(const proxy::Exchange& exchange) noexcept;  // its client is gone

 private:
  struct Question {
    Question(proxy::ExchangeHost& host, proxy::Exchange& of, PrincipalRef caller)
        : exchange(of), who(std::move(caller)), request(host) {}

    proxy::Exchange& exchange;
    PrincipalRef who;
    std::string body;
    authz::admission::World world;
    std::vector<authz::admission::Lookup> needs;  // asked for one after the other, from the back
    std::size_t rounds = 0;
    proxy::SideRequest request;
  };

  using Questions = std::unordered_map<const proxy::Exchange*, std::unique_ptr<Question>>;

  void ask(Question& question);
  void fetch(Question& question);
  void end(Question& question, const authz::admission::Refusal* refusal);
  void on_answer(proxy::SideRequest& request, int status, std::string_view body) noexcept override;

  proxy::ExchangeHost& host_;
  const Authorizer& authorizer_;
  Waiting& waiting_;
  authz::RequestInfo info_;  // of the question being asked
  Questions questions_;
  std::vector<std::unique_ptr<Question>> ended_;  // not freed while one of them answers
};

}  // namespace gh::worker
