# What `cmake --install` and CPack (a .deb and a .tar.gz) put where: the program, the device module, and what to read.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # of what is installed alone, tests are no part

install(TARGETS warpfactor RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET warpfactor_cuda)  # host/api/cuda_module.cpp looks here
  install(TARGETS warpfactor_cuda LIBRARY DESTINATION lib/warpfactor)
endif()
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
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
