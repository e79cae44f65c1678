# SPDX-License-Identifier: Apache-2.0
# Finds the distribution's SystemC, which ships no CMake package. Defines SystemC::systemc.
find_path(SystemC_INCLUDE_DIR systemc)
find_library(SystemC_LIBRARY systemc)
include(FindPackageHandleStandardArgs)
set(SystemC_FIND_QUIETLY TRUE)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR)
if(SystemC_FOUND AND NOT TARGET SystemC::systemc)
  add_library(SystemC::systemc UNKNOWN IMPORTED)
  set_target_properties(
    SystemC::systemc
    PROPERTIES IMPORTED_LOCATION ${SystemC_LIBRARY}
               INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${SystemC_INCLUDE_DIR}
               # The package is built as C++17; this keeps its version check and lets C++20 code link.
               INTERFACE_COMPILE_DEFINITIONS SC_CPLUSPLUS=201703L)
endif()
