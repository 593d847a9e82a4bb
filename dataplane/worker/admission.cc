// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/admission.h"

#include "base/assert.h"

#include <algorithm>

namespace gh::worker {

namespace admission = authz::admission;

void Admission::begin(
    proxy::Exchange& exchange, const PrincipalRef& who, const authz::Attributes& what
) {
  ended_.clear();
  // The bound is shared, so none may fill it: slow bodies of one node would keep all others
  // waiting.
  const auto of_this_node =
      std::count_if(questions_.begin(), questions_.end(), [&](const auto& each) {
        return each.second->who == who;
      });
  const bool full =
      questions_.size() >= limits::admission_questions_max ||
      static_cast<std::size_t>(of_this_node) >= limits::admission_questions_a_node_max;
  if (full) {
    const admission::Refusal busy{
        429, "TooManyRequests", "gatehouse: too many requests of nodes are being judged"
    };
    return waiting_.on_not_admitted(exchange, busy);
  }
  auto& question = questions_[&exchange];
  question = std::make_unique<Question>(host_, exchange, who);
  exchange.hold();
  const bool body = admission::applies(who->identity(), what) == admission::Applies::with_body;
  if (body) return exchange.collect(limits::admission_body_bytes_max);
  ask(*question);
}

void Admission::on_collected(
    proxy::Exchange& exchange, proxy::ExchangeHost::Collected what
) noexcept {
  using Collected = proxy::ExchangeHost::Collected;
  Question& question = *questions_.at(&exchange);
  if (what == Collected::too_long) {
    const auto refusal = admission::body_too_large().refusal;
    return end(question, &refusal);
  }
  if (what == Collected::too_slow) {
    const admission::Refusal slow{
        408, "Timeout", "gatehouse: the request's body did not come in time"
    };
    return end(question, &slow);
  }
  question.body = exchange.collected();
  ask(question);
}

void Admission::ask(Question& question) {
  const http::RequestHead& head = question.exchange.head();
  // It could be parsed before; the views of that time are gone.
  if (!info_.parse(head.method, head.target)) GH_ASSERT(false);
  const auto allows = [&](const authz::Attributes& what) {
    return authorizer_.decide(*question.who, what, {}) == Authorizer::Verdict::allow;
  };
  admission::Outcome outcome = admission::admit(
      {.who = question.who->identity(),
       .what = info_.attributes(),
       .field_selector = info_.field_selector(),
       .content_type = head.headers.find("content-type").value_or(""),
       .body = question.body},
      question.world,
      allows
  );
  using Verdict = admission::Outcome::Verdict;
  if (outcome.verdict == Verdict::needs && !outcome.needs.empty()) {
    if (++question.rounds > limits::admission_rounds_max) {
      const auto refusal = admission::too_many_rounds().refusal;
      return end(question, &refusal);
    }
    question.needs = std::move(outcome.needs);
    return fetch(question);
  }
  if (outcome.verdict != Verdict::admitted) return end(question, &outcome.refusal);
  if (!outcome.body.empty()) question.exchange.replace_body(outcome.body);
  end(question, nullptr);
}

// As gatehouse itself: what a node may not read may yet decide what it may change.
void Admission::fetch(Question& question) {
  http::RequestHead head;
  head.method = "GET";
  head.target = question.needs.back().path();
  head.headers.add("accept", "application/json");
  head.headers.add("x-remote-user", "gatehouse");
  question.request.start(std::move(head), {}, *this);
}

void Admission::on_answer(proxy::SideRequest& request, int status, std::string_view body) noexcept {
  const auto at = std::find_if(questions_.begin(), questions_.end(), [&](const auto& entry) {
    return &entry.second->request == &request;
  });
  Question& question = *at->second;
  const admission::Lookup lookup = std::move(question.needs.back());
  question.needs.pop_back();
  if (status == 200) {
    question.world.add(lookup, body);
  } else if (status == 404) {
    question.world.add_absent(lookup);
  } else {
    question.world.add_failed(
        lookup,
        status == 0 ? "no API server answered" : "the API server answered " + std::to_string(status)
    );
  }
  question.needs.empty() ? ask(question) : fetch(question);
}

void Admission::end(Question& question, const admission::Refusal* refusal) {
  proxy::Exchange& exchange = question.exchange;
  const auto at = questions_.find(&exchange);
  ended_.push_back(std::move(at->second));
  questions_.erase(at);
  refusal == nullptr ? waiting_.on_admitted(exchange)
                     : waiting_.on_not_admitted(exchange, *refusal);
}

void Admission::forget(const proxy::Exchange& exchange) noexcept {
  const auto at = questions_.find(&exchange);
  if (at == questions_.end()) return;
  at->second->request.cancel();
  ended_.push_back(std::move(at->second));
  questions_.erase(at);
}

}  // namespace gh::worker
