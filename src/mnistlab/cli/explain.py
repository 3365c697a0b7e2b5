"""`mnistlab explain`: show in a picture why a network answers as it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.model_file import BUNDLED
from mnistlab.cli.options import FOLDER, ValueType, examples, json_option, runs_option
from mnistlab.cli.output import print_json
from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.messages.sentences import LANGUAGES, Clause

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mnistlab.evaluation.looking import Look


@click.command(
    epilog=examples(
        "mnistlab explain", "mnistlab explain latest seven.png --why", "mnistlab explain latest --channel conv2:1",
        "mnistlab explain latest --misread --why",
    ),
)  # fmt: skip
@click.argument("model", metavar="[RUN|MODEL]", required=False)
@click.argument("picture", metavar="[PICTURE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--why", is_flag=True, help="Also show which ink counted for the answer, and the answer without that ink."
)
@click.option("--channel", metavar="LAYER:N", help="Instead, show the digits that excite this channel most.")
@click.option("--misread", is_flag=True, help="Instead, show the digits that the model misreads most confidently.")
@click.option(
    "--example",
    type=ValueType(int),
    default=0,
    show_default=True,
    metavar="N",
    help="The validation example to explain if no PICTURE is given.",
)
@click.option(
    "--lang", metavar="|".join(LANGUAGES), help="Language of the words in the picture.  [default: the locale's, or en]"
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="The picture to write.  [default: explain.png in the current folder]",
)
@click.option("--data-dir", type=FOLDER, default=Path("data"), show_default=True, help="Folder that holds the data.")
@runs_option
@json_option
def explain(
    model: str | None,
    picture: Path | None,
    why: bool,
    channel: str | None,
    misread: bool,
    example: int,
    lang: str | None,
    output: Path | None,
    data_dir: Path,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Show what a network makes of one digit, layer by layer, as one tall picture for a slide.

    MODEL is a run, "latest", a model.pth or an ONNX file that `mnistlab export` wrote; by default, the reader that comes with
    mnistlab. PICTURE shows one digit, and may be given without MODEL. Without PICTURE, a validation example is explained.
    """
    require("train", "matplotlib")
    from mnistlab.evaluation.figures import save_figure
    from mnistlab.evaluation.looking import look_into
    from mnistlab.files import check_target
    from mnistlab.learn.language import find_language, speaking
    from mnistlab.pictures.decode import SUFFIXES

    language = find_language(lang)
    with speaking(language):
        if picture is None and model is not None and Path(model).suffix.lower() in SUFFIXES:
            picture, model = Path(model), None
        check_options(picture, channel, misread, why)
        target = output or Path("explain.png")
        check_target(target, "explain.png")
        look = look_into(None if model == BUNDLED else model, runs_dir=runs_dir)
        if channel is not None:
            figure, facts = exciting(look, channel, data_dir, language)
        elif misread:
            figure, facts = worst(look, data_dir, language, why)
        else:
            figure, facts = one(look, picture, example, data_dir, language, why)
        save_figure(figure, target)
    if as_json:
        print_json({**facts, "picture": str(target)})
        return
    click.echo(f"{target}")


def check_options(picture: Path | None, channel: str | None, misread: bool, why: bool) -> None:
    """Raise `UserError` if options exclude each other."""
    given = [name for name, there in (("--channel", channel is not None), ("--misread", misread)) if there]
    if len(given) > 1:
        raise UserError("cli.explain_one_of", options=given)
    example = click.get_current_context().get_parameter_source("example")
    argument = Clause("cli.argument_picture")
    unused: list[str | Clause] = [argument] * (picture is not None)
    unused += ["--example"] * (example != click.core.ParameterSource.DEFAULT)
    unused += ["--why"] * (why and channel is not None)
    if given and unused:
        raise UserError("cli.explain_unused", options=unused, option=given[0])
    if picture is not None and "--example" in unused:
        raise UserError("cli.explain_unused", options=["--example"], option=argument)


def one(
    look: Look, picture: Path | None, example: int, data_dir: Path, language: str, why: bool
) -> tuple[Figure, dict[str, Any]]:
    """The picture of one explanation, and the explanation in plain types, for JSON."""
    from mnistlab.evaluation import explanation
    from mnistlab.evaluation.slide import draw_explanation

    image, source = explanation.find_picture(look, picture, example, data_dir)
    explained = explanation.explain(look, image, source, why=why)
    return draw_explanation(explained, language), explained.to_dict()


def exciting(look: Look, channel: str, data_dir: Path, language: str) -> tuple[Figure, dict[str, Any]]:
    """The picture of the digits that excite a channel most, and facts about these digits, in plain types, for JSON."""
    from mnistlab.evaluation.examples import draw_exciting, find_exciting
    from mnistlab.evaluation.explanation import validation_digits

    found, field = find_exciting(look, *validation_digits(look, data_dir), channel)
    facts = {"model": look.name, "channel": channel, "examples": [digit.to_dict() for digit in found]}
    return draw_exciting(look, channel, found, field, language), facts


def worst(look: Look, data_dir: Path, language: str, why: bool) -> tuple[Figure, dict[str, Any]]:
    """The picture of the worst mistakes, and facts about these mistakes, in plain types, for JSON."""
    from mnistlab.evaluation.examples import draw_misread, find_misread
    from mnistlab.evaluation.explanation import validation_digits

    images, labels = validation_digits(look, data_dir)
    found, total = find_misread(look, images, labels)
    if not found:
        raise UserError("explain.nothing_misread", model=look.name, count=len(images))
    facts = {
        "model": look.name, "misread": total, "among": len(images), "examples": [digit.to_dict() for digit in found],
    }  # fmt: skip
    return draw_misread(look, found, total, len(images), language, why=why), facts
