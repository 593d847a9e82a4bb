// SPDX-License-Identifier: Apache-2.0
#include "bench/load/expectation.h"

#include "control/go_duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gh::load {
namespace {

using Relation = Expectation::Relation;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<Unit> unit_of(std::string_view figure) {
  if (figure == "rate" || figure == "errors" || figure == "operations") return Unit::number;
  if (figure == "cpu") return Unit::nanoseconds;
  if (figure == "memory") return Unit::bytes;
  constexpr std::string_view handshake = "handshake-";
  if (figure.starts_with(handshake)) figure.remove_prefix(handshake.size());
  if (figure == "mean" || figure == "min" || figure == "max" || percentile_of(figure))
    return Unit::nanoseconds;
  return {};
}

std::optional<double> bytes(std::string_view text) {
  double factor = 1;
  for (const auto& [suffix, size] :
       {std::pair<std::string_view, double>{"KiB", 1024.0}, {"MiB", 1024.0 * 1024}}) {
    if (!text.ends_with(suffix)) continue;
    text.remove_suffix(suffix.size());
    factor = size;
  }
  const auto value = number(text);
  return value ? std::optional(*value * factor) : std::nullopt;
}

std::optional<double> value_of(std::string_view text, Unit unit) {
  switch (unit) {
    case Unit::number:
      return number(text);
    case Unit::bytes:
      return bytes(text);
    case Unit::nanoseconds:
      if (const auto duration = control::parse_duration(text))
        return static_cast<double>(duration->count());
      return {};
  }
  return {};
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

}  // namespace

std::optional<double> percentile_of(std::string_view figure) {
  if (!figure.starts_with('p')) return {};
  const auto percent = number(figure.substr(1));
  return percent && *percent > 0 && *percent <= 100 ? percent : std::nullopt;
}

Outcome<Expectation> Expectation::parse(std::string_view text) {
  Expectation out;
  out.text = std::string(text);
  const auto at = text.find_first_of("<>=");
  if (at == std::string_view::npos)
    return fault("no <, <=, =, >= or > in it, as in 'p99<5ms'", out.text);
  const bool or_equal = at + 1 < text.size() && text[at] != '=' && text[at + 1] == '=';
  out.figure = trimmed(text.substr(0, at));
  const std::string bound = trimmed(text.substr(at + (or_equal ? 2 : 1)));
  switch (text[at]) {
    case '<':
      out.relation = or_equal ? Relation::at_most : Relation::below;
      break;
    case '>':
      out.relation = or_equal ? Relation::at_least : Relation::above;
      break;
    default:
      out.relation = Relation::equal;
  }
  const auto unit = unit_of(out.figure);
  if (!unit)
    return fault(
        "\"" + out.figure +
            "\" is no figure: pNN, mean, min, max (also handshake-…), rate, errors, operations, "
            "cpu, memory",
        out.text
    );
  out.unit = *unit;
  const auto value = value_of(bound, *unit);
  if (!value || *value < 0) {
    constexpr std::array wanted = {"a number", "a duration such as 5ms", "bytes such as 12KiB"};
    return fault("\"" + bound + "\" is not " + wanted[static_cast<std::size_t>(*unit)], out.text);
  }
  out.bound = *value;
  return out;
}

bool Expectation::holds(double measured) const noexcept {
  switch (relation) {
    case Relation::below:
      return measured < bound;
    case Relation::at_most:
      return measured <= bound;
    case Relation::equal:
      return measured == bound;
    case Relation::at_least:
      return measured >= bound;
    case Relation::above:
      return measured > bound;
  }
  return false;
}

std::string format_value(double value, Unit unit) {
  struct Step {
    double size;
    const char* name;
  };

  static constexpr std::array times = {Step{1e9, " s"}, Step{1e6, " ms"}, Step{1e3, " µs"}};
  static constexpr std::array sizes = {
      Step{1024.0 * 1024 * 1024, " GiB"}, Step{1024.0 * 1024, " MiB"}, Step{1024, " KiB"}
  };
  char text[64];
  const auto scaled = [&](const auto& steps, const char* base) {
    for (const Step& step : steps) {
      if (value < step.size) continue;
      std::snprintf(text, sizeof text, "%.3g%s", value / step.size, step.name);
      if (value / step.size >= 1000)
        std::snprintf(text, sizeof text, "%.0f%s", value / step.size, step.name);
      return std::string(text);
    }
    std::snprintf(text, sizeof text, "%.0f%s", value, base);
    return std::string(text);
  };
  switch (unit) {
    case Unit::nanoseconds:
      return scaled(times, " ns");
    case Unit::bytes:
      return scaled(sizes, " B");
    case Unit::number:
      break;
  }
  std::snprintf(
      text, sizeof text, value >= 100 || value == std::floor(value) ? "%.0f" : "%.2f", value
  );
  return text;
}

}  // namespace gh::load
