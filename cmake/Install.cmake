# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where (prefix and DESTDIR honoured), and the target `uninstall`.
include(GNUInstallDirs)

if(TARGET memwall)
  install(TARGETS memwall RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The program finds its configurations beside itself: bin/../share/memwall/configs.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs DESTINATION ${CMAKE_INSTALL_DATADIR}/memwall)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(
  FILES ${CMAKE_SOURCE_DIR}/completions/memwall.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  RENAME memwall)

add_custom_target(
  uninstall
  COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt -P
          ${CMAKE_SOURCE_DIR}/cmake/Uninstall.cmake
  VERBATIM)
