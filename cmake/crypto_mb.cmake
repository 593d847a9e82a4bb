# SPDX-License-Identifier: Apache-2.0
# gh_crypto_mb: Intel's crypto_mb where GH_CRYPTO_MB asks for it. Whether the processor can run it is asked when gatehouse starts.
option(GH_CRYPTO_MB "batches of public-key operations with Intel's crypto_mb (x86-64)" OFF)
add_library(gh_crypto_mb INTERFACE)
if(GH_CRYPTO_MB)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/fetch-crypto-mb RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "scripts/fetch-crypto-mb failed")
  endif()
  target_include_directories(gh_crypto_mb SYSTEM INTERFACE ${CMAKE_SOURCE_DIR}/build/crypto-mb/include)
  target_link_libraries(gh_crypto_mb INTERFACE ${CMAKE_SOURCE_DIR}/build/crypto-mb/lib/libcrypto_mb.a gh_tls_library)
endif()
