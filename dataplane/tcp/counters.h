// SPDX-License-Identifier: Apache-2.0
// What a core's TCP counts. Written by the core, read by control.
#pragma once

#include "base/counters.h"

#include <string_view>

namespace gh::tcp {

struct Counters {
  Counter segments_in, segments_out, bytes_in, bytes_out;
  Counter opened_passive, opened_active, closed, time_waits, time_waits_recycled;
  // dropped segments, by cause
  Counter bad_header, no_connection, bad_sequence, bad_ack, paws, no_timestamp, no_ack,
      receive_refused, duplicate_data, out_of_order;
  // dropped SYNs, by bound
  Counter syn_half_open_full, syn_connections_full, syn_source_full, syn_refused;
  Counter cookies_sent, cookies_good, cookies_bad;
  // resets
  Counter resets_in, resets_out, resets_blind, challenge_acks, challenge_acks_held;
  // sent again, by cause
  Counter resent_fast, resent_timeout, resent_probe, resent_handshake, timeouts, recoveries;
  Counter window_probes, keepalive_probes, path_mtu_lowered, path_errors_ignored;
  // ended by a timer
  Counter timed_out_handshake, timed_out_data, timed_out_keepalive, timed_out_zero_window,
      timed_out_orphan;
  Counter no_frame;

  // Calls visit(name, counter) for each.
  template <class Visit>
  void each(Visit visit) const {
#define GH_EACH(name) visit(std::string_view(#name), name)
    GH_EACH(segments_in), GH_EACH(segments_out), GH_EACH(bytes_in), GH_EACH(bytes_out);
    GH_EACH(opened_passive), GH_EACH(opened_active), GH_EACH(closed), GH_EACH(time_waits);
    GH_EACH(time_waits_recycled), GH_EACH(bad_header), GH_EACH(no_connection);
    GH_EACH(bad_sequence), GH_EACH(bad_ack), GH_EACH(paws), GH_EACH(no_timestamp);
    GH_EACH(no_ack), GH_EACH(receive_refused), GH_EACH(duplicate_data), GH_EACH(out_of_order);
    GH_EACH(syn_half_open_full), GH_EACH(syn_connections_full), GH_EACH(syn_source_full);
    GH_EACH(syn_refused), GH_EACH(cookies_sent), GH_EACH(cookies_good), GH_EACH(cookies_bad);
    GH_EACH(resets_in), GH_EACH(resets_out), GH_EACH(resets_blind), GH_EACH(challenge_acks);
    GH_EACH(challenge_acks_held), GH_EACH(resent_fast), GH_EACH(resent_timeout);
    GH_EACH(resent_probe), GH_EACH(resent_handshake), GH_EACH(timeouts), GH_EACH(recoveries);
    GH_EACH(window_probes), GH_EACH(keepalive_probes), GH_EACH(path_mtu_lowered);
    GH_EACH(path_errors_ignored), GH_EACH(timed_out_handshake), GH_EACH(timed_out_data);
    GH_EACH(timed_out_keepalive), GH_EACH(timed_out_zero_window), GH_EACH(timed_out_orphan);
    GH_EACH(no_frame);
#undef GH_EACH
  }
};

}  // namespace gh::tcp
