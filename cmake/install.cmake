# What `cmake --install` and CPack (a .deb and a .tar.gz) put where: the program, its module for CUDA, the library, what its table of
# settings says (man page and completions, written by itself), and what to read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # of what is installed alone, tests are no part
install(TARGETS warpfactor RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET warpfactor_cuda)
  install(TARGETS warpfactor_cuda LIBRARY DESTINATION lib/warpfactor)  # where the program looks
endif()

target_compile_features(libwarpfactor INTERFACE cxx_std_20)
install(TARGETS libwarpfactor EXPORT warpfactor LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES host/library/warpfactor.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/warpfactor)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/warpfactor)
# one target, which depends on nothing that a package would have to find
install(EXPORT warpfactor NAMESPACE warpfactor:: FILE warpfactorConfig.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/warpfactorConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/warpfactorConfigVersion.cmake DESTINATION ${package_folder})
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/warpfactor.pc.in ${CMAKE_BINARY_DIR}/warpfactor.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/warpfactor.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(manual "")
# wf_manual(<word of warpfactor help> <file name> <folder below share>)
function(wf_manual word name folder)
  set(file ${CMAKE_BINARY_DIR}/share/${folder}/${name})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share/${folder})
  add_custom_command(OUTPUT ${file} COMMAND warpfactor help ${word} > ${file} DEPENDS warpfactor VERBATIM)
  install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder})
  set(manual ${manual} ${file} PARENT_SCOPE)
endfunction()
wf_manual(man warpfactor.1 man/man1)
wf_manual(completion-bash warpfactor bash-completion/completions)
wf_manual(completion-zsh _warpfactor zsh/site-functions)
wf_manual(completion-fish warpfactor.fish fish/vendor_completions.d)
add_custom_target(manual ALL DEPENDS ${manual})
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
include(sbom)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)

set(CPACK_PACKAGE_NAME warpfactor)
set(CPACK_PACKAGE_VENDOR "The warpfactor authors")
set(CPACK_PACKAGE_CONTACT "The warpfactor authors <warpfactor@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
    "Reads ratings of users for items, learns factors of both by SGD, ALS or one of their relatives, evaluates and recommends.")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_CURRENT_SOURCE_DIR}/LICENSE")
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # the module's CUDA libraries are none: it is linked to them statically
include(CPack)
