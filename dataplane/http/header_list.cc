// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/header_list.h"

#include "dataplane/http/fields.h"

namespace gh::http {

void HeaderList::add(std::string_view name, std::string_view value) {
  const std::size_t at = arena_.size();
  arena_.resize(at + name.size() + value.size());
  char* to = arena_.data() + at;
  for (const char c : name) *to++ = ascii_lower(c);
  value.copy(to, value.size());
  slots_.push_back(
      {static_cast<std::uint32_t>(at),
       static_cast<std::uint32_t>(name.size()),
       static_cast<std::uint32_t>(value.size())}
  );
}

std::optional<std::string_view> HeaderList::find(std::string_view lower_name) const noexcept {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Field field = (*this)[i];
    if (field.name == lower_name) return field.value;
  }
  return std::nullopt;
}

std::size_t HeaderList::count(std::string_view lower_name) const noexcept {
  std::size_t found = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) found += (*this)[i].name == lower_name;
  return found;
}

}  // namespace gh::http
