// SPDX-License-Identifier: Apache-2.0
// Streams in state lingering, oldest first; all wait equally long. S has linger_prev, linger_next
// and linger_until. Owner: a road.
#pragma once

namespace gh::net {

template <class S>
class LingerList {
 public:
  void push_back(S& stream) noexcept {
    stream.linger_prev = last_;
    stream.linger_next = nullptr;
    (last_ == nullptr ? first_ : last_->linger_next) = &stream;
    last_ = &stream;
  }

  void remove(S& stream) noexcept {
    (stream.linger_prev == nullptr ? first_ : stream.linger_prev->linger_next) = stream.linger_next;
    (stream.linger_next == nullptr ? last_ : stream.linger_next->linger_prev) = stream.linger_prev;
  }

  S* first() const noexcept { return first_; }

  S* last() const noexcept { return last_; }

 private:
  S* first_ = nullptr;
  S* last_ = nullptr;
};

}  // namespace gh::net
