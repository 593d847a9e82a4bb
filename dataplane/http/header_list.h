// SPDX-License-Identifier: Apache-2.0
// Header fields in order, in one reused arena: adding to a warm list allocates nothing.
// Names are lower case always (RFC 9113 §8.2); values have no outer spaces and no control bytes but
// HTAB. Views into the list die with the next add() or clear().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::http {

struct Field {
  std::string_view name;
  std::string_view value;
};

class HeaderList {
 public:
  void clear() noexcept {
    arena_.clear();
    slots_.clear();
  }

  // `name` in any case; stored in lower case.
  void add(std::string_view name, std::string_view value);

  std::size_t size() const noexcept { return slots_.size(); }

  bool empty() const noexcept { return slots_.empty(); }

  Field operator[](std::size_t at) const noexcept {
    const Slot& slot = slots_[at];
    return {
        {arena_.data() + slot.at, slot.name_bytes},
        {arena_.data() + slot.at + slot.name_bytes, slot.value_bytes}
    };
  }

  // the first of that name
  std::optional<std::string_view> find(std::string_view lower_name) const noexcept;
  std::size_t count(std::string_view lower_name) const noexcept;

  // Size as RFC 9113 §6.5.2 counts it: names + values + 32 each.
  std::size_t bytes() const noexcept { return arena_.size() + 32 * slots_.size(); }

  // Removes every field the predicate names; order of the others stays.
  template <class Predicate>
  void remove_if(Predicate remove) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!remove((*this)[i])) slots_[kept++] = slots_[i];
    }
    slots_.resize(kept);
  }

 private:
  struct Slot {
    std::uint32_t at;
    std::uint32_t name_bytes;
    std::uint32_t value_bytes;
  };

  std::string arena_;
  std::vector<Slot> slots_;
};

}  // namespace gh::http
