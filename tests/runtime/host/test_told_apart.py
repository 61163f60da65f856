from edgelens.runtime.host.told_apart import state_file


def test_sources_whose_letters_had_to_be_changed_keep_files_of_their_own() -> None:
    names = ["door 1", "door/1", "door_1", "///", "\udce9"]
    assert len({state_file("counts", name) for name in names}) == len(names)


def test_the_file_of_an_earlier_version_is_found_again() -> None:
    assert state_file("places", "rtsp://door/1").parts[-2:] == ("places", "rtsp_door_1-a7ffb5af.json")
