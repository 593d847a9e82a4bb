// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE, as a whole
#include "tls/ssl_engine.h"

#include "tls/library.h"
#include "tls/openssl/errors.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/opensslconf.h>

#if !defined(OPENSSL_IS_AWSLC) && !defined(OPENSSL_NO_ENGINE)
#include <openssl/engine.h>
#define GH_HAS_ENGINE 1
#endif

namespace gh::tls {

#ifdef GH_HAS_ENGINE

Outcome<void> use_ssl_engine(const std::string& name) {
  ERR_clear_error();
  ENGINE_load_builtin_engines();
  ENGINE* engine = ENGINE_by_id(name.c_str());
  if (engine == nullptr)
    return fault("there is no ENGINE of the name \"" + name + "\": " + take_library_error().text);
  const bool begun = ENGINE_init(engine) == 1;
  const bool used = begun && ENGINE_set_default(engine, ENGINE_METHOD_ALL) == 1;
  const std::string why = used ? std::string() : take_library_error().text;
  if (begun && !used) ENGINE_finish(engine);
  ENGINE_free(engine);
  if (!used) return fault("the ENGINE \"" + name + "\" cannot be used: " + why);
  return {};
}

#else

Outcome<void> use_ssl_engine(const std::string&) {
  return fault(
      "the TLS library of this gatehouse, " + library_version() +
      ", has no ENGINE: it takes OpenSSL 3.x"
  );
}

#endif

}  // namespace gh::tls
