// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/side_request.h"

#include "base/assert.h"

namespace gh::proxy {

SideRequest::SideRequest(ExchangeHost& host)
    : host_(host), timer_(this, [](void* self) noexcept {
        auto& request = *static_cast<SideRequest*>(self);
        request.let_go();
        request.finish(0);
      }) {}

SideRequest::~SideRequest() { cancel(); }

void SideRequest::start(http::RequestHead head, std::string body, Asker& asker) {
  GH_ASSERT(asker_ == nullptr);
  asker_ = &asker;
  head_ = std::move(head);
  head_.scheme = "https";
  head_.authority = "kubernetes.default.svc";
  head_.headers.add("user-agent", "gatehouse");
  head_.has_body = !body.empty();
  if (head_.has_body) head_.content_length = body.size();
  body_ = std::move(body);
  attempts = 0;
  avoid = no_replica;
  host_.timers.arm(timer_, host_.core.now() + limits::side_request_timeout);
  host_.pool.request(*this);
}

void SideRequest::cancel() noexcept {
  if (asker_ == nullptr) return;
  asker_ = nullptr;
  host_.timers.cancel(timer_);
  let_go();
}

void SideRequest::let_go() noexcept {
  host_.pool.cancel(*this);
  if (up_ == nullptr) return;
  up_->user = nullptr;  // the link drops what still comes for it
  link_->session->reset(*up_, http::Reset::cancelled);
  link_->mark_dirty();
  up_ = nullptr;
  link_ = nullptr;
}

void SideRequest::finish(int status) noexcept {
  host_.timers.cancel(timer_);
  Asker* const asker = asker_;
  asker_ = nullptr;
  if (asker != nullptr) asker->on_answer(*this, status, status == 0 ? std::string_view{} : answer_);
}

void SideRequest::on_link(Link& link) noexcept {
  link_ = &link;
  status_ = 0;
  too_long_ = false;
  answer_.clear();
  up_ = &link.session->open(head_, !head_.has_body, static_cast<UpLeg*>(this));
  host_.pool.on_stream_opened(link);
  if (head_.has_body) {
    link.session->send_body(*up_, as_bytes(body_));
    link.session->end_body(*up_, nullptr);
  }
  link.mark_dirty();
}

void SideRequest::on_unavailable(Unavailable) noexcept { finish(0); }

void SideRequest::on_response(http::ResponseHead& head) {
  if (!head.interim()) status_ = head.status;
}

void SideRequest::on_up_body(ByteView piece) {
  too_long_ = too_long_ || answer_.size() + piece.size() > limits::side_answer_bytes_max;
  if (!too_long_) answer_.append(as_text(piece));
  link_->session->consumed(*up_, piece.size());
  link_->mark_dirty();
}

void SideRequest::on_up_closed(http::Reset reset) {
  avoid = link_->replica;
  up_ = nullptr;
  link_ = nullptr;
  if (reset == http::Reset::none) return finish(too_long_ ? 0 : status_);
  const bool elsewhere = reset == http::Reset::refused || reset == http::Reset::connection_lost;
  if (!elsewhere || status_ != 0 || attempts >= limits::upstream_attempts_max) return finish(0);
  host_.pool.request(*this);
}

}  // namespace gh::proxy
