// The elements of the tab "Learning".

document.getElementById("panel-learn").innerHTML = `
  <div class="learn-head">
    <button type="button" id="learn-play" data-text="learnPlay"></button>
    <p id="learn-figures"></p>
    <span id="learn-choice" hidden>
      <label for="learn-training" data-text="learnTraining"></label>
      <select id="learn-training"></select>
    </span>
  </div>
  <p id="learn-problem" class="note" aria-live="polite"></p>
  <div id="learn-film" hidden>
    <p class="note" data-text="learnHow"></p>
    <p id="learn-ends"></p>
    <div><canvas id="learn-loss" role="img" data-label="learnCourse"></canvas></div>
    <input type="range" id="learn-step" min="0" max="0" step="1" data-label="learnStep">
    <ol id="learn-guesses" aria-hidden="true"></ol>
    <div class="learn-parts">
      <div>
        <h3 data-text="learnFilters"></h3>
        <canvas id="learn-filters" role="img" data-label="learnFilters"></canvas>
        <h3 id="learn-deep-heading" data-text="learnDeep"></h3>
        <canvas id="learn-deep" role="img" data-label="learnDeep"></canvas>
      </div>
      <div>
        <h3 id="learn-heading"></h3>
        <p id="learn-answer"></p>
        <ul id="learn-bars" class="bars" data-label="barsLabel"></ul>
        <p id="learn-draw" class="note" data-text="learnDraw"></p>
      </div>
    </div>
    <p id="learn-note" class="note"></p>
  </div>
`;
