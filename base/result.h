// SPDX-License-Identifier: Apache-2.0
// A value or why there is none. The one alias for tl::expected, to be swapped for std::expected
// later. Peer errors carry a one-byte enum of their layer; configuration errors carry gh::Fault.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace gh {

template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
auto fail(E&& error) {
  return tl::make_unexpected(std::forward<E>(error));
}

// Why a configuration, a file or the API server could not be used. Control only, never on the path.
struct Fault {
  std::string text;   // a sentence for a person: what was found, what was expected
  std::string where;  // "file:line", a flag, or empty

  std::string to_string() const { return where.empty() ? text : where + ": " + text; }
};

template <class T>
using Outcome = Result<T, Fault>;

inline auto fault(std::string text, std::string where = {}) {
  return tl::make_unexpected(Fault{std::move(text), std::move(where)});
}

}  // namespace gh

#define GH_CONCAT_(a, b) a##b
#define GH_CONCAT(a, b) GH_CONCAT_(a, b)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in any.
// The only control-flow macros: the value, or an early return of the error.
#define GH_TRY(declaration, expression) \
  GH_TRY_(GH_CONCAT(gh_try_, __LINE__), declaration, expression)
#define GH_TRY_(name, declaration, expression)                    \
  auto name = (expression);                                       \
  if (!name) return tl::make_unexpected(std::move(name).error()); \
  declaration = std::move(*name)
#define GH_TRY_VOID(expression)                                                   \
  do {                                                                            \
    auto gh_try_void = (expression);                                              \
    if (!gh_try_void) return tl::make_unexpected(std::move(gh_try_void).error()); \
  } while (false)
// NOLINTEND(bugprone-macro-parentheses)
