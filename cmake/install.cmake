# What `cmake --install` puts where, and what `./dev package` makes of it. Programs find
# their helpers beside them and the model in ../share/vitrine/models.

set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

install(TARGETS vitrine vitrine-eval vitrine-gallery vitrine-indexer vitrine-pictures
    vitrine-server
  RUNTIME DESTINATION bin)
install(FILES models/vitrine-lite0.pt models/LICENSE-weights models/NOTICE
    models/validation_senders.txt
  DESTINATION share/vitrine/models)
install(FILES proto/vitrine/v1/search.proto proto/vitrine/v1/catalog.proto
    proto/vitrine/v1/complements.proto
    proto/vitrine/v1/service_config.json
  DESTINATION share/vitrine/proto/vitrine/v1)
install(FILES ${PROJECT_BINARY_DIR}/vitrine-protos.tar.gz DESTINATION share/vitrine/proto)
install(FILES server/default_slots.txt DESTINATION share/vitrine)
install(DIRECTORY docs/ DESTINATION share/doc/vitrine)
install(FILES LICENSE NOTICE DESTINATION share/doc/vitrine)
# Units name the folder of the programs, which is known when they are installed.
install(CODE "set(vitrine_configured \"${PROJECT_BINARY_DIR}/package\")")
install(SCRIPT cmake/package/services.cmake)

set(CPACK_GENERATOR DEB)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
# With a DESTDIR the prefix is /usr while files are installed, as services.cmake wants it.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME vitrine)
set(CPACK_PACKAGE_CONTACT "The Vitrine authors <vitrine@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"visual product search for fashion catalogues
Answers a picture of a garment with the most similar products of a catalogue,
and with pieces of other categories that go with it.

An indexer follows a folder of product photos or a Redis Stream, and any number
of servers answer over gRPC from the index that it writes, on CPUs. The command
vitrine asks them, checks catalogues and measures models.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Torch is content with the reference BLAS, which is slow.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, libopenblas0-pthread | libopenblas0")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(vitrine_package ${PROJECT_SOURCE_DIR}/cmake/package)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${vitrine_package}/conffiles ${vitrine_package}/postinst
  ${vitrine_package}/prerm ${vitrine_package}/postrm)
set(CPACK_PRE_BUILD_SCRIPTS ${vitrine_package}/debian.cmake)
include(CPack)
