// SPDX-License-Identifier: Apache-2.0
// The configuration file: any text gives settings or problems, every value is taken or refused with
// a reason, and what was taken is rendered as a text that reads back the same.
#include "control/config.h"
#include "control/options.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace gh::control;

void apply(Config& config, const std::vector<Setting>& settings, bool must_take) {
  for (const Setting& setting : settings) {
    const Option* option = find_option(setting.name);
    if (option->clear != nullptr) option->clear(config);  // a list replaces the default one
    for (const SettingValue& value : setting.values) {
      const auto taken = option->take(config, value.text, "/folder");
      if (!taken && (must_take || taken.error().empty())) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<gh::Fault> problems;
  Config config;
  apply(
      config,
      parse_config_text(
          std::string(reinterpret_cast<const char*>(data), size), "fuzz.yaml", problems
      ),
      false
  );
  Config again;
  problems.clear();
  apply(again, parse_config_text(render_config(config), "rendered.yaml", problems), true);
  if (!problems.empty()) std::abort();
  for (const Option& option : options()) {
    if (option.name != "config" && option.show(config) != option.show(again)) std::abort();
  }
  return 0;
}
