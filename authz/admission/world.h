// SPDX-License-Identifier: Apache-2.0
// What one admission question knows of the cluster: objects fetched for it, and objects known not
// to be there. In: an API server's answers to the lookups a question asked for.   Out: objects in
// canonical form. Owner: one exchange; empty at its start, dropped at its end. Holds no more than
// limits::admission_lookups_max objects.
// Not here: fetching (the caller), deciding (node_restriction.h).
#pragma once

#include "authz/admission/value.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::admission {

// An object to GET, without a resourceVersion: the newest, so that nothing is judged from the past.
struct Lookup {
  std::string group;
  std::string version;
  std::string resource;
  std::string namespace_;  // empty: cluster scope
  std::string name;

  bool operator==(const Lookup&) const = default;
  // "/api/v1/namespaces/ns1/pods/p1": safe as it is, names are checked before they are asked for.
  std::string path() const;
};

struct KnownObject {
  enum class State : std::uint8_t { absent, present, failed };

  State state = State::absent;
  std::string why;    // failed: what went wrong
  Value raw;          // as answered
  Members canonical;  // the fields of schema.h

  bool present() const { return state == State::present; }
};

class World {
 public:
  // The API server answered 200 with this JSON. What cannot be read, or is another object, counts
  // as failed: a question that needs it is refused.
  void add(const Lookup& what, std::string_view json);
  // It answered 404.
  void add_absent(const Lookup& what);
  // It answered otherwise, or not at all.
  void add_failed(const Lookup& what, std::string why);

  // Null: not known, fetch it. A name that no object can have is known to be absent.
  const KnownObject* find(const Lookup& what) const;

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Lookup what;
    KnownObject object;
  };

  void put(const Lookup& what, KnownObject object);

  std::vector<Entry> entries_;
};

}  // namespace gh::authz::admission
