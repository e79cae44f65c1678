# SPDX-License-Identifier: Apache-2.0
# Finds the BSD message digest functions (SHA-256), which ship no CMake package. Defines LibMd::md.
find_path(LibMd_INCLUDE_DIR sha2.h)
find_library(LibMd_LIBRARY md)
include(FindPackageHandleStandardArgs)
set(LibMd_FIND_QUIETLY TRUE)
find_package_handle_standard_args(LibMd REQUIRED_VARS LibMd_LIBRARY LibMd_INCLUDE_DIR)
if(LibMd_FOUND AND NOT TARGET LibMd::md)
  add_library(LibMd::md UNKNOWN IMPORTED)
  set_target_properties(LibMd::md PROPERTIES IMPORTED_LOCATION ${LibMd_LIBRARY}
                                             INTERFACE_INCLUDE_DIRECTORIES ${LibMd_INCLUDE_DIR})
endif()
