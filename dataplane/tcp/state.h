// SPDX-License-Identifier: Apache-2.0
// The states of a connection and the edges between them (RFC 9293 §3.3.2). LISTEN is not among
// them: a listener is not a connection here (listener.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace gh::tcp {

enum class State : std::uint8_t {
  closed,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

using StateSet = std::uint16_t;

constexpr StateSet to(std::initializer_list<State> states) {
  StateSet out = 0;
  for (const State state : states) out = static_cast<StateSet>(out | 1u << static_cast<int>(state));
  return out;
}

// closed is reached from everywhere: by RST, abort() or a timeout.
constexpr StateSet edges_from(State from) {
  using enum State;
  switch (from) {
    case closed:
      return to({syn_sent, syn_received, established});  // established: a SYN cookie
    case syn_sent:
      return to({established, syn_received, closed});
    case syn_received:
      return to({established, fin_wait_1, close_wait, closed});
    case established:
      return to({fin_wait_1, close_wait, closed});
    case fin_wait_1:
      return to({fin_wait_2, closing, time_wait, closed});
    case fin_wait_2:
      return to({time_wait, closed});
    case close_wait:
      return to({last_ack, closed});
    case closing:
      return to({time_wait, closed});
    case last_ack:
      return to({closed});
    case time_wait:
      return to({closed});
  }
  return 0;
}

constexpr std::string_view name_of(State state) {
  using enum State;
  switch (state) {
    case closed:
      return "closed";
    case syn_sent:
      return "syn-sent";
    case syn_received:
      return "syn-received";
    case established:
      return "established";
    case fin_wait_1:
      return "fin-wait-1";
    case fin_wait_2:
      return "fin-wait-2";
    case close_wait:
      return "close-wait";
    case closing:
      return "closing";
    case last_ack:
      return "last-ack";
    case time_wait:
      return "time-wait";
  }
  return "";
}

// What the peer may still send is taken; what we have may be sent.
constexpr bool may_receive(State s) {
  return (to({State::established, State::fin_wait_1, State::fin_wait_2}) & to({s})) != 0;
}

constexpr bool may_send(State s) {
  return (to({State::established, State::close_wait}) & to({s})) != 0;
}

}  // namespace gh::tcp
