// SPDX-License-Identifier: Apache-2.0
// The core a worker runs on. A function that takes Core& runs on that core's thread; one that takes
// none is pure or belongs to control. Core is a clang capability, so -Wthread-safety reports a
// stray access.
#pragma once

#include "base/units.h"

#if defined(__clang__)
#define GH_ATTRIBUTE(x) __attribute__((x))
#else
#define GH_ATTRIBUTE(x)
#endif
#define GH_CAPABILITY(name) GH_ATTRIBUTE(capability(name))
#define GH_ON_CORE(core) GH_ATTRIBUTE(guarded_by(core))
#define GH_NEEDS_CORE(core) GH_ATTRIBUTE(requires_capability(core))
#define GH_ASSERTS_CORE(core) GH_ATTRIBUTE(assert_capability(core))

namespace gh {

class GH_CAPABILITY("core") Core {
 public:
  explicit Core(CoreId id) : id_(id) {}

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  CoreId id() const { return id_; }

  // The instant this turn of the loop began (set by the worker, or by the simulator).
  Instant now() const { return now_; }

  UnixTime wall() const { return wall_; }

  void set_now(Instant now, UnixTime wall) {
    now_ = now;
    wall_ = wall;
  }

 private:
  CoreId id_;
  Instant now_;
  UnixTime wall_;
};

}  // namespace gh
