// The elements of the tab Inside; imported before anything that looks for them.

document.getElementById("panel-inside").innerHTML = `
  <div class="with-digit">
    <p id="inside-none" class="note" hidden></p>
    <div id="overview">
      <canvas id="network" tabindex="0" role="application" data-label="networkLabel" aria-describedby="told"></canvas>
      <ol id="steps" data-label="stepsLabel"></ol>
      <ul id="inside-bars" class="bars small" data-label="barsLabel"></ul>
    </div>
    <div id="inside-foot">
      <p id="told" aria-live="polite"></p>
      <figure id="scale">
        <canvas width="255" height="1" role="img" data-label="scaleLabel"></canvas>
        <figcaption><span id="scale-low"></span><span>0</span><span id="scale-high"></span></figcaption>
      </figure>
    </div>
    <section id="how" aria-labelledby="how-heading" tabindex="-1" hidden>
      <div class="how-head">
        <h3 id="how-heading" data-text="howHeading"></h3>
        <button type="button" id="how-play" data-text="howPlay"></button>
        <button type="button" id="how-close" data-text="howClose"></button>
      </div>
      <div class="how-head">
        <p id="how-where" aria-live="polite"></p>
        <button type="button" id="how-percent" data-text="howPercent"></button>
      </div>
      <div id="how-maps">
        <figure><canvas id="how-before" role="img" data-label="howBeforeLabel"></canvas><figcaption id="how-before-name"></figcaption></figure>
        <figure><canvas id="how-map" tabindex="0" role="application" data-label="howMapLabel"></canvas><figcaption id="how-map-name"></figcaption></figure>
      </div>
      <div id="how-steps"></div>
    </section>
  </div>
`;
