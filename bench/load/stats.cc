// SPDX-License-Identifier: Apache-2.0
#include "bench/load/stats.h"

#include "base/limits.h"

#include <numeric>

namespace gh::load {
namespace {

void count_text(
    std::map<std::string, std::uint64_t>& texts, const std::string& text, std::uint64_t times
) {
  const bool known = texts.contains(text);
  if (known || texts.size() < limits::load_error_texts_max) {
    texts[text] += times;
  } else {
    texts["(other texts)"] += times;
  }
}

}  // namespace

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::connect:
      return "connect";
    case Failure::tls:
      return "tls";
    case Failure::not_resumed:
      return "not_resumed";
    case Failure::no_ticket:
      return "no_ticket";
    case Failure::http:
      return "http";
    case Failure::status:
      return "status";
    case Failure::body:
      return "body";
    case Failure::lost:
      return "lost";
    case Failure::timeout:
      return "timeout";
    case Failure::dropped:
      return "dropped";
  }
  return "";
}

std::uint64_t Tally::errors() const noexcept {
  return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0});
}

void Tally::fail(Failure why, const std::string& text) {
  ++failed[static_cast<std::size_t>(why)];
  count_text(texts, std::string(name_of(why)) + (text.empty() ? "" : ": " + text), 1);
}

void Tally::add(const Tally& other) {
  latency.add(other.latency);
  handshake.add(other.handshake);
  done += other.done;
  bytes += other.bytes;
  full += other.full;
  resumed += other.resumed;
  unfinished += other.unfinished;
  for (std::size_t i = 0; i < failures; ++i) failed[i] += other.failed[i];
  for (const auto& [text, times] : other.texts) count_text(texts, text, times);
  for (const auto& [text, times] : other.protocols) protocols[text] += times;
}

}  // namespace gh::load
