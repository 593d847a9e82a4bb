// SPDX-License-Identifier: Apache-2.0
// A request of gatehouse's own to an API server, asked to judge somebody else's: a TokenReview, the
// object a change is about. In: a head and a small body.   Out: on_answer() once, with the status
// and the whole answer, or status 0 when none came. Not repeated after an answer; asked again
// elsewhere when a replica refuses or is lost, so only for what is harmless to do twice.
// Bounds: limits::side_answer_bytes_max, side_request_timeout. Owner: one core.
#pragma once

#include "base/timer_wheel.h"
#include "dataplane/http/message.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/up_leg.h"
#include "dataplane/proxy/upstream_pool.h"

#include <string>
#include <string_view>

namespace gh::proxy {

class SideRequest final : public Demand, public UpLeg {
 public:
  class Asker {
   public:
    // The request may be started again, or destroyed after the turn.
    virtual void on_answer(SideRequest& request, int status, std::string_view body) noexcept = 0;

   protected:
    ~Asker() = default;
  };

  explicit SideRequest(ExchangeHost& host);
  ~SideRequest();
  SideRequest(const SideRequest&) = delete;
  SideRequest& operator=(const SideRequest&) = delete;

  // Fills in what all have: scheme, user-agent, the body's length. Method, target and headers are
  // the caller's.
  void start(http::RequestHead head, std::string body, Asker& asker);
  void cancel() noexcept;  // no answer is wanted any more; on_answer does not come

  bool running() const noexcept { return asker_ != nullptr; }

  // From the pool.
  void on_link(Link& link) noexcept override;
  void on_unavailable(Unavailable why) noexcept override;

  // From the API server.
  void on_response(http::ResponseHead& head) override;
  void on_up_body(ByteView piece) override;

  void on_response_end(const http::HeaderList*) override {}

  void on_up_tunnel_end() override {}

  void on_up_sent(std::size_t) override {}

  void on_up_closed(http::Reset reset) override;

 private:
  void finish(int status) noexcept;
  void let_go() noexcept;

  ExchangeHost& host_;
  Timer timer_;
  Asker* asker_ = nullptr;
  http::RequestHead head_;
  std::string body_;
  std::string answer_;
  int status_ = 0;
  bool too_long_ = false;
  Link* link_ = nullptr;
  http::Stream* up_ = nullptr;
};

}  // namespace gh::proxy
