"""A user's script with all public names, as mypy and pyright see them from outside; it is checked, and never run."""

from __future__ import annotations

from mnistlab import (
    DATASETS,
    RECIPES,
    Augmentation,
    Digit,
    Ensemble,
    Evaluation,
    Line,
    MNISTDataLoader,
    MnistlabError,
    NeuralNet,
    Page,
    Reader,
    Recipe,
    Run,
    UserError,
    combine,
    compare_runs,
    evaluate,
    evaluate_run,
    examine,
    export_model,
    find_run,
    list_runs,
    load_model,
    open_dataset,
    resume,
    train,
)


def read(path: str) -> tuple[str, list[int | str], list[float]]:
    page: Page = Reader(threshold=0.9).read(path)
    lines: list[Line] = list(page.lines)
    digits: list[Digit] = [digit for line in lines for digit in line.digits]
    return page.text, [digit.value for digit in digits], [digit.probability for digit in digits]


def read_many(paths: list[str]) -> dict[str, str]:
    pages = Reader().read_many(paths, jobs=2)
    return {path.name: page.message if isinstance(page, UserError) else page.text for path, page in pages}


def train_and_measure() -> Evaluation | str:
    recipe: Recipe = RECIPES["default"].override(widths=(16, 32), epochs=4)
    try:
        run, evaluation = train(recipe, seed=1)
    except UserError as error:
        return error.remedy
    except MnistlabError as error:
        return error.message
    again: tuple[Run, Evaluation] = resume(run)
    both, _ = combine([run, again[0]])
    p_value: float = compare_runs(run, find_run("latest")).p_value
    accuracy: float = evaluation.accuracy
    size: int = export_model(both, int8=True).bytes
    found = [one.path for one in list_runs("runs") if isinstance(one, Run)]
    return evaluate_run(run, "val", device="cpu") if p_value < 0.05 and accuracy and size and found else evaluation


def look_at_batches() -> list[str]:
    loader = MNISTDataLoader("train", batch_size=64, augment=Augmentation(rotate=10))
    images, _ = next(iter(loader))
    network = NeuralNet(widths=(32, 64))
    logits = Ensemble([network, network])(images)
    evaluation = evaluate(load_model("latest").model, MNISTDataLoader("val", shuffle=False))
    dataset = loader.dataset
    checks = examine(network, dataset.images, dataset.labels, mean=0.1307, std=0.3081)
    title: str = DATASETS["mnist"].title
    return [
        str(logits.shape),
        str(evaluation.total),
        title,
        open_dataset("mnist").spec.name,
        *(c.verdict for c in checks),
    ]
