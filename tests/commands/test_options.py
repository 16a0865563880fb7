from nextclose.commands.options import print_lines


def test_a_long_path_is_printed_in_one_piece_brackets_and_all(capsys):
    line = f"report   /home/{'long/' * 40}run[1]/[red]report.html"
    print_lines(f"{line}\nverdict  here")
    assert capsys.readouterr().out.splitlines() == [line, "verdict  here"]
