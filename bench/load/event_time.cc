// SPDX-License-Identifier: Apache-2.0
#include "bench/load/event_time.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>

namespace gh::load {
namespace {

bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || end != text.data() + digits) return false;
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// RFC 3339 in UTC, as Kubernetes writes times.
std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool whole =
      take_number(text, 4, year) && take_char(text, '-') && take_number(text, 2, month) &&
      take_char(text, '-') && take_number(text, 2, day) && take_char(text, 'T') &&
      take_number(text, 2, hour) && take_char(text, ':') && take_number(text, 2, minute) &&
      take_char(text, ':') && take_number(text, 2, second);
  if (!whole) return {};
  std::int64_t ns = 0;
  if (take_char(text, '.')) {
    std::int64_t unit = 100'000'000;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), unit /= 10)
      ns += unit * (text[0] - '0');
  }
  using namespace std::chrono;
  const year_month_day date{
      std::chrono::year{year},
      std::chrono::month{static_cast<unsigned>(month)},
      std::chrono::day{static_cast<unsigned>(day)}
  };
  // Nanoseconds since 1970 in 64 bits end in 2262.
  if (text != "Z" || year < 1970 || year > 2261 || !date.ok() || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60)
    return {};
  const auto at = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  return duration_cast<nanoseconds>(at.time_since_epoch()).count() + ns;
}

}  // namespace

std::optional<std::int64_t> sent_at(std::string_view event, std::string_view field) {
  const std::string name = "\"" + std::string(field) + "\"";
  auto at = event.find(name);
  if (field.empty() || at == std::string_view::npos) return {};
  std::string_view rest = event.substr(at + name.size());
  while (take_char(rest, ' ')) {
  }
  if (!take_char(rest, ':')) return {};
  while (take_char(rest, ' ')) {
  }
  if (take_char(rest, '"')) {
    const auto end = rest.find('"');
    return end == std::string_view::npos ? std::nullopt : parse_rfc3339(rest.substr(0, end));
  }
  std::int64_t us = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), us);
  if (error != std::errc{} || us <= 0 || us > INT64_MAX / 1000) return {};
  return us * 1000;
}

std::optional<Duration> age_of_event(std::string_view event, std::string_view field) {
  const auto sent = sent_at(event, field);
  if (!sent) return {};
  using namespace std::chrono;
  const auto now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
  return now >= *sent ? std::optional(Duration(now - *sent)) : std::nullopt;
}

}  // namespace gh::load
