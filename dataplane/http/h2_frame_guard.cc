// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h2_frame_guard.h"

namespace gh::http {

H2FrameGuard::Verdict H2FrameGuard::on_frame(const h2::FrameHead& frame, Instant now) noexcept {
  switch (frame.type) {
    case h2::data:
      if (frame.length > 0 || (frame.flags & h2::flag_end_stream) != 0) return Verdict::pass;
      return on_idle_frame(now);
    case h2::headers:
    case h2::push_promise:
      block_open_ = true;
      block_since_ = now;
      block_bytes_ = 0;
      continuations_ = 0;
      return on_block(frame);
    case h2::continuation:
      if (!block_open_) return Verdict::pass;  // nghttp2 refuses it
      ++continuations_;
      return on_block(frame);
    case h2::rst_stream:
      return Verdict::pass;  // counted where the stream is known
    case h2::settings:
      // Each may change every stream's window and the HPACK table.
      return overhead_.take(now, (frame.flags & h2::flag_ack) != 0 ? 1 : 4) ? Verdict::pass
                                                                            : Verdict::flood;
    case h2::priority:
    case h2::ping:
    case h2::goaway:
    default:
      return on_idle_frame(now);
    case h2::window_update:
      return on_window_update(now);
  }
}

H2FrameGuard::Verdict H2FrameGuard::on_window_update(Instant now) noexcept {
  if (updates_earned_ == 0) return on_idle_frame(now);
  --updates_earned_;
  return Verdict::pass;
}

// Bounds of the compressed block; what it unpacks to is bounded field by field (h2_server.cc,
// h2_client.cc).
H2FrameGuard::Verdict H2FrameGuard::on_block(const h2::FrameHead& frame) noexcept {
  block_bytes_ += frame.length;
  block_last_ = (frame.flags & h2::flag_end_headers) != 0;
  const bool over = block_bytes_ > limits::h2_header_block_bytes_max ||
                    continuations_ > limits::h2_continuations_max;
  return over ? Verdict::flood : Verdict::pass;
}

}  // namespace gh::http
