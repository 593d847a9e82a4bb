// SPDX-License-Identifier: Apache-2.0
// Every option of `gatehouse serve`, once: flags, file keys, --help, the man page, completion and
// /debug/config read this list. Owner: control; constant.
#pragma once

#include "base/result.h"
#include "control/config.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

enum class OptionKind : std::uint8_t {
  value,  // one value; as a flag the last one counts
  list,   // may be repeated; a sequence in the file
  flag,   // true or false; as a flag the value may be left out
  maps,   // a list whose items are JSON objects, or mappings in the file
};

constexpr bool is_list(OptionKind kind) {
  return kind == OptionKind::list || kind == OptionKind::maps;
}

struct Option {
  std::string_view name;
  OptionKind kind;
  std::string_view group;        // heading in --help
  std::string_view placeholder;  // FILE, URL; empty for a flag
  std::string_view help;         // a sentence or two
  // Takes one value; the error says what was expected. `folder`: where a relative path of the file
  // starts.
  Result<void, std::string> (*take)(
      Config& config, std::string_view value, const std::string& folder
  );
  void (*clear)(Config& config);  // list: before the first value of a place that overrides another
  std::vector<std::string> (*show)(const Config& config
  );  // values as `take` would read them; empty: not set
};

std::span<const Option> options();
const Option* find_option(std::string_view name);
std::span<const std::string_view> option_names();

}  // namespace gh::control
