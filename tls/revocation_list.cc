// SPDX-License-Identifier: Apache-2.0
#include "tls/revocation_list.h"

#include "tls/der_reader.h"

#include <algorithm>
#include <utility>

namespace gh::tls {
namespace {

bool bytes_less(ByteView a, ByteView b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

Outcome<RevocationList> RevocationList::parse(
    std::vector<std::uint8_t> der, const std::string& where
) {
  RevocationList out;
  out.der_ = std::move(der);
  if (!out.read()) return fault("a CRL in it cannot be parsed", where);
  if (out.unsupported_)
    return fault(
        "a CRL in it is a delta, indirect or partial list; only complete lists of one authority "
        "are supported",
        where
    );
  std::sort(out.serials_.begin(), out.serials_.end(), bytes_less);
  return out;
}

bool RevocationList::revokes(ByteView serial) const {
  return std::binary_search(serials_.begin(), serials_.end(), serial, bytes_less);
}

bool RevocationList::read() {
  DerReader outer(der_);
  ByteView contents, tbs_contents, algorithm, outer_algorithm, entries, wrapped;
  if (!outer.read(der::sequence, contents) || !outer.empty()) return false;
  DerReader list(contents);
  if (!list.read_element(der::sequence, tbs_) || !DerReader(tbs_).read(der::sequence, tbs_contents))
    return false;
  DerReader tbs(tbs_contents);
  std::int64_t version = 0;
  if (!tbs.read_int64(version) || version != 1) return false;  // v2, as Go requires
  if (!tbs.read(der::sequence, algorithm) || !list.read(der::sequence, outer_algorithm))
    return false;
  if (!std::equal(
          algorithm.begin(), algorithm.end(), outer_algorithm.begin(), outer_algorithm.end()
      ))
    return false;
  bool well_formed = false;
  algorithm_ = signature_algorithm_of(algorithm, well_formed);
  if (!well_formed || !tbs.read_element(der::sequence, issuer_) || !read_time(tbs, this_update_))
    return false;
  if (tbs.peek(der::utc_time) || tbs.peek(der::generalized_time)) {
    has_next_update_ = true;
    if (!read_time(tbs, next_update_)) return false;
  }
  bool present = false;
  if (!tbs.read_optional(der::sequence, entries, present) || !read_entries(entries)) return false;
  if (!tbs.read_optional(der::context_constructed(0), wrapped, present)) return false;
  ByteView extensions;
  if (present &&
      (!DerReader(wrapped).read(der::sequence, extensions) || !read_extensions(extensions, false)))
    return false;
  unsigned padding = 0;
  return list.read_bit_string(signature_, padding) && padding == 0;
}

bool RevocationList::read_entries(ByteView entries) {
  for (DerReader list(entries); !list.empty();) {
    ByteView entry, serial, extensions;
    UnixTime revoked;
    bool present = false;
    if (!list.read(der::sequence, entry)) return false;
    DerReader reader(entry);
    if (!reader.read_integer(serial) || !read_time(reader, revoked)) return false;
    if (!reader.read_optional(der::sequence, extensions, present) ||
        !read_extensions(extensions, true))
      return false;
    serials_.push_back(serial);
  }
  return true;
}

// Whatever is critical narrows or widens what the list is about, except reason code and invalidity
// date of an entry.
bool RevocationList::read_extensions(ByteView extensions, bool entry) {
  for (DerReader list(extensions); !list.empty();) {
    ByteView extension, id, value;
    bool critical = false;
    if (!list.read(der::sequence, extension)) return false;
    DerReader reader(extension);
    if (!reader.read_oid(id)) return false;
    if (reader.peek(der::boolean) && !reader.read_boolean(critical)) return false;
    if (!reader.read(der::octet_string, value)) return false;
    const bool harmless =
        entry && id.size() == 3 && id[0] == 0x55 && id[1] == 0x1d && (id[2] == 21 || id[2] == 24);
    if (critical && !harmless) unsupported_ = true;
  }
  return true;
}

}  // namespace gh::tls
