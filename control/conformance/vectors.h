// SPDX-License-Identifier: Apache-2.0
// What the judges share: reading a vectors file, exact bytes, and noting differences of one case.
#pragma once

#include "control/conformance/conformance.h"

#include <simdjson.h>

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace gh::conformance {

using Json = simdjson::dom::element;

// Absent fields are empty, false or 0.
inline std::string text_at(Json object, std::string_view key) {
  std::string_view value;
  return object[key].get_string().get(value) == simdjson::SUCCESS ? std::string(value)
                                                                  : std::string();
}

inline bool bool_at(Json object, std::string_view key) {
  bool value = false;
  return object[key].get_bool().get(value) == simdjson::SUCCESS && value;
}

inline std::int64_t number_at(Json object, std::string_view key) {
  std::int64_t value = 0;
  return object[key].get_int64().get(value) == simdjson::SUCCESS ? value : 0;
}

inline std::vector<std::string> texts_at(Json object, std::string_view key) {
  std::vector<std::string> out;
  simdjson::dom::array values;
  if (object[key].get_array().get(values) != simdjson::SUCCESS) return out;
  for (Json value : values) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) out.emplace_back(text);
  }
  return out;
}

std::string from_base64(std::string_view text);
// Quoted for a person, so that strange bytes show.
std::string shown(std::string_view text);
std::string shown(const std::vector<std::string>& texts);

// The differences of one case.
class Findings {
 public:
  void expect(std::string_view what, std::string_view expected, std::string_view got) {
    if (expected != got) differ(what, shown(expected), shown(got));
  }

  void expect(
      std::string_view what,
      const std::vector<std::string>& expected,
      const std::vector<std::string>& got
  ) {
    if (expected != got) differ(what, shown(expected), shown(got));
  }

  void expect_number(std::string_view what, std::int64_t expected, std::int64_t got) {
    if (expected != got) differ(what, std::to_string(expected), std::to_string(got));
  }

  void differ(std::string_view what, std::string_view expected, std::string_view got) {
    text_.append("  ")
        .append(what)
        .append(": expected ")
        .append(expected)
        .append(", got ")
        .append(got)
        .append("\n");
  }

  void add(const Findings& other) { text_ += other.text_; }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Calls judge(case, findings) for each element of an array and counts.
template <class Judge>
void judge_each(simdjson::dom::array cases, Tally& tally, std::ostream& out, Judge judge) {
  for (Json each : cases) {
    Findings findings;
    judge(each, findings);
    if (findings.text().empty()) {
      ++tally.passed;
    } else {
      ++tally.failed;
      out << text_at(each, "id") << ":\n" << findings.text();
    }
  }
}

// Loads the file; null (and one failure, said on `out`) when it is not JSON of one of the formats
// with an array called `cases`.
const Json* load_vectors(
    simdjson::dom::parser& parser,
    const std::string& file,
    std::initializer_list<std::string_view> formats,
    Json& root,
    Tally& tally,
    std::ostream& out,
    std::string_view cases = "cases"
);

}  // namespace gh::conformance
